// Why a request was not answered.

/** Milliseconds until a server that does not answer is asked again. */
export const RETRY_SECONDS = 2;

export class Refusal extends Error {
  /** `status` as in HTTP, 0 if nobody answered; `detail` a sentence; `retryAfter` seconds, or null. */
  constructor(status, detail, retryAfter = null) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}
