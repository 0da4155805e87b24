/** Shows a generated password or key, once, with a button that copies it. */

import { useEffect, useRef, useState } from "preact/hooks";
import { closeDialog, type GeneratedSecret } from "../../model/admin/admin_dialog";
import { copyText } from "../../model/page/clipboard";
import { ModalDialog } from "./ModalDialog";

const TEXTS = {
  password: { title: "Password of", hint: "Give it to the user, who replaces it at the next login." },
  key: { title: "API key", hint: "Give it to the program, for example as NOVA_TOKEN." },
} as const;

export function SecretDialog({ secret }: { secret: GeneratedSecret }) {
  const [note, setNote] = useState("");
  const field = useRef<HTMLInputElement>(null);
  const { title, hint } = TEXTS[secret.kind];
  useEffect(() => field.current?.select(), []);
  const copy = async () => {
    // A page without TLS copies a selection, which has to be inside of the open dialog.
    field.current?.select();
    const isCopied = (await copyText(secret.value)) || document.execCommand("copy");
    setNote(isCopied ? "Copied." : "The browser does not allow it: select the text and copy it.");
  };
  return (
    <ModalDialog title={`${title} ${secret.name}`} testId="secret" staysOnEscape>
      <p>
        <strong>It is shown only now.</strong> {hint}
      </p>
      <div class="secret-row">
        <input
          ref={field}
          class="secret"
          readOnly
          value={secret.value}
          aria-label={`${title} ${secret.name}`}
          data-testid="secret-value"
        />
        <button type="button" class="primary" onClick={() => void copy()} data-testid="secret-copy">
          Copy
        </button>
      </div>
      <p role="status" data-testid="secret-note">
        {note}
      </p>
      <div class="admin-buttons">
        <button type="button" onClick={closeDialog} data-testid="secret-done">
          Done
        </button>
      </div>
    </ModalDialog>
  );
}
