/** A form of a dialog: its fields, the server's refusal, and the buttons. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { closeDialog } from "../../model/admin/admin_dialog";

interface DialogFormProps {
  /** What the button says: the deed. */
  action: string;
  /** Whether the deed takes something away. */
  isDanger?: boolean;
  /** Carry it out; throws an Error that can be shown. */
  submit: () => Promise<void>;
  children: ComponentChildren;
}

export function DialogForm({ action, isDanger = false, submit, children }: DialogFormProps) {
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const onSubmit = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError("");
    try {
      await submit();
    } catch (failure) {
      setError((failure as Error).message);
    }
    setBusy(false);
  };
  return (
    <form class="admin-form" onSubmit={onSubmit}>
      {children}
      <p class="error" role="alert" data-testid="dialog-error">
        {error}
      </p>
      <div class="admin-buttons">
        {/* The first field has the focus, or this button where there is none. */}
        <button type="button" onClick={closeDialog} data-testid="dialog-cancel">
          Cancel
        </button>
        <button
          type="submit"
          class={`primary ${isDanger ? "danger" : ""}`}
          // A button that is disabled loses the focus, and a refusal leaves the dialog open.
          aria-disabled={busy}
          data-testid="dialog-submit"
        >
          {busy ? "Working…" : action}
        </button>
      </div>
    </form>
  );
}
