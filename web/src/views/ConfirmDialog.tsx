/** The confirmation of a critical command. */

import { Fragment } from "preact";
import { confirmation, type Confirmation, reasonNotSendable } from "../model/commands/command_panel";
import { argumentTexts } from "../model/commands/command_text";
import { entityName } from "../model/entities/entity_names";
import { QuestionDialog } from "./QuestionDialog";

export function ConfirmDialog() {
  const pending = confirmation.value;
  return pending === null ? null : <Dialog pending={pending} />;
}

function Dialog({ pending }: { pending: Confirmation }) {
  const { prepared, action } = pending;
  const close = () => (confirmation.value = null);
  return (
    <QuestionDialog
      title={
        <>
          {action.title} <span class="muted">to</span> {entityName(prepared)}?
        </>
      }
      words="This command is marked critical. It is sent as soon as you confirm and cannot be undone."
      action="Send it"
      confirm={() => {
        close();
        pending.confirm();
      }}
      close={close}
      facts={<Facts pending={pending} />}
      reason={reasonNotSendable(prepared)}
      testId="confirm"
      actionTestId="confirm-send"
    />
  );
}

function Facts({ pending: { prepared, action } }: { pending: Confirmation }) {
  return (
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
  );
}
