// Why a request was not answered.

/** Until what does not answer is asked again. */
export const RETRY_SECONDS = 2;

export class Refusal extends Error {
  /** `status` as HTTP has it, 0 where nobody answered; `detail` a sentence; `retryAfter` seconds, or null. */
  constructor(status, detail, retryAfter = null) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}
