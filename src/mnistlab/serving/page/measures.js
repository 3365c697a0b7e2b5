// How long things took, for whoever measures the page.

const MOST = 500;

/** Notes a duration under a name, from `start` to now unless `end` is given; of each name the newest are kept. */
export function measure(name, start, end = performance.now()) {
  const past = performance.getEntriesByName(name);
  if (past.length >= MOST) {
    performance.clearMeasures(name);
    for (const { startTime, duration } of past.slice(-MOST / 2)) performance.measure(name, { start: startTime, duration });
  }
  performance.measure(name, { start, end });
}
