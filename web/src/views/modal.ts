/** Native modal dialogs: they keep the focus inside, and handle Escape. */

import { useEffect, useRef } from "preact/hooks";

/** The attributes of a `<dialog>` that opens when it is shown; `close` is called when the user dismisses it. */
export function useModal(close: () => void) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => ref.current?.showModal(), []);
  return {
    ref,
    onCancel: (event: Event) => {
      event.preventDefault();
      close();
    },
    // A browser may close a dialog without asking, for example on a second Escape.
    onClose: close,
  };
}

/** Like `useModal`, for dialogs over the screen: keys are not its shortcuts, and the focus returns. */
export function useScreenModal(close: () => void) {
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    return () => before?.focus();
  }, []);
  return { ...useModal(close), onKeyDown: (event: Event) => event.stopPropagation() };
}
