/** The frame of the admin page's dialogs. The native dialog keeps the focus inside. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { closeDialog } from "../../model/admin/admin_dialog";

interface ModalDialogProps {
  title: string;
  testId: string;
  /** Escape does not close it: what it shows cannot be shown again. */
  staysOnEscape?: boolean;
  children: ComponentChildren;
}

export function ModalDialog({ title, testId, staysOnEscape = false, children }: ModalDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      class="admin-dialog"
      aria-labelledby="dialog-title"
      data-testid={testId}
      onCancel={(event) => {
        event.preventDefault();
        if (!staysOnEscape) closeDialog();
      }}
      // A browser may close a dialog without asking, for example on a second Escape.
      onClose={closeDialog}
    >
      <h2 id="dialog-title">{title}</h2>
      {children}
    </dialog>
  );
}
