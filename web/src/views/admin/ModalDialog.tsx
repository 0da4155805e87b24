/** The frame of the admin page's dialogs. The native dialog keeps the focus inside. */

import type { ComponentChildren } from "preact";
import { closeDialog } from "../../model/admin/admin_dialog";
import { useModal } from "../modal";

interface ModalDialogProps {
  title: string;
  testId: string;
  /** Escape does not close it: what it shows cannot be shown again. */
  staysOnEscape?: boolean;
  children: ComponentChildren;
}

export function ModalDialog({ title, testId, staysOnEscape = false, children }: ModalDialogProps) {
  const modal = useModal(closeDialog);
  return (
    <dialog
      {...modal}
      class="admin-dialog"
      aria-labelledby="dialog-title"
      data-testid={testId}
      onCancel={staysOnEscape ? (event) => event.preventDefault() : modal.onCancel}
    >
      <h2 id="dialog-title">{title}</h2>
      {children}
    </dialog>
  );
}
