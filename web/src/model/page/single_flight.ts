/** Questions that are asked more often than they can be answered: one at a time, and last the newest. */

/** A way to ask that never has two questions under way; asked meanwhile, it asks once more afterwards. */
export function singleFlight(ask: () => Promise<void>): () => void {
  let isBusy = false;
  let isDue = false;
  return function go(): void {
    if (isBusy) {
      isDue = true;
      return;
    }
    isBusy = true;
    isDue = false;
    ask()
      .catch(() => undefined)
      .finally(() => {
        isBusy = false;
        if (isDue) go();
      });
  };
}
