/** A function that runs the work soon, and not more often than every so many milliseconds, however often it is called. */
export function atMostEvery(milliseconds: number, work: () => void): () => void {
  let last = 0;
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    const wait = Math.max(0, last + milliseconds - performance.now());
    setTimeout(() => {
      waiting = false;
      last = performance.now();
      work();
    }, wait);
  };
}
