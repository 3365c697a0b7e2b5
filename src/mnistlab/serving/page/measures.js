// Records how long things took, for measuring the page.

const MOST = 500;

/** Records a duration under a name, from `start` to now unless `end` is given; the newest ones of each name are kept. */
export function measure(name, start, end = performance.now()) {
  const past = performance.getEntriesByName(name);
  if (past.length >= MOST) {
    performance.clearMeasures(name);
    for (const { startTime, duration } of past.slice(-MOST / 2)) performance.measure(name, { start: startTime, duration });
  }
  performance.measure(name, { start, end });
}
