// Why a request was not answered.

/** How many seconds pass until a server that does not answer is asked again. */
export const RETRY_SECONDS = 2;

export class Refusal extends Error {
  /** `status` is HTTP's, or 0 if nobody answered; `detail` is a sentence; `retryAfter` is in seconds, or null. */
  constructor(status, detail, retryAfter = null) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}
