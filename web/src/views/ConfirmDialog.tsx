/** The confirmation of a critical command. The native dialog keeps the focus and handles Escape. */

import { Fragment } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { confirmation, type Confirmation, reasonNotSendable } from "../model/commands/command_panel";
import { argumentTexts } from "../model/commands/command_text";
import { useScreenModal } from "./modal";

export function ConfirmDialog() {
  const pending = confirmation.value;
  return pending === null ? null : <Dialog pending={pending} />;
}

function Dialog({ pending }: { pending: Confirmation }) {
  const close = () => (confirmation.value = null);
  const modal = useScreenModal(close);
  const cancel = useRef<HTMLButtonElement>(null);
  const { prepared, action } = pending;
  const reason = reasonNotSendable(prepared);
  useEffect(() => cancel.current?.focus(), []);
  return (
    <dialog
      {...modal}
      class="confirm"
      aria-labelledby="confirm-title"
      aria-describedby="confirm-words"
      data-testid="confirm"
    >
      <h2 id="confirm-title">
        {action.title} <span class="muted">to</span> {prepared.uniqueId}?
      </h2>
      <dl class="confirm-facts">
        <dt>Target</dt>
        <dd>
          {prepared.scopeId} · {prepared.systemId} · {prepared.containerId} · <strong>{prepared.uniqueId}</strong>
        </dd>
        <dt>Command</dt>
        <dd>
          <code>{prepared.commandType}</code>
        </dd>
        {argumentTexts(action, prepared.payload).map(([name, value]) => (
          <Fragment key={name}>
            <dt>{name}</dt>
            <dd class="confirm-value">{value}</dd>
          </Fragment>
        ))}
      </dl>
      <p id="confirm-words" class="confirm-words">
        This command is marked critical. It is sent as soon as you confirm and cannot be undone.
      </p>
      {reason !== "" && (
        <p class="form-problem" role="status">
          {reason}
        </p>
      )}
      <div class="confirm-buttons">
        <button type="button" ref={cancel} data-testid="confirm-cancel" onClick={close}>
          Cancel
        </button>
        <button
          type="button"
          class="primary danger"
          disabled={reason !== ""}
          data-testid="confirm-send"
          onClick={() => {
            close();
            pending.confirm();
          }}
        >
          Send it
        </button>
      </div>
    </dialog>
  );
}
