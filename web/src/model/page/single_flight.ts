/** Collapses repeated requests: one in flight, and one more with the newest state afterwards. */

/** Wraps a request so that one is in flight at most. Calls meanwhile lead to one more run afterwards. */
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
