/** The button of a request that needs no form. */

import { useRef, useState } from "preact/hooks";
import type { CardControl } from "../api/protocol";
import { type EdgeEntity, sendEdgeRequest } from "../model/edge/edge_entities";
import { parseRequest } from "../model/edge/request_form";
import { connection } from "../model/session/session";
import { QuestionDialog } from "./QuestionDialog";

interface ButtonProps {
  control: CardControl;
  data: EdgeEntity;
  name: string;
  /** Called with why it failed, or with nothing when it is sent. */
  failed: (error: string) => void;
}

/** Sends a request at once, or after its question. */
export function RequestButton({ control, data, name, failed }: ButtonProps) {
  const [isAsked, setAsked] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const send = async () => {
    const group = button.current?.closest<HTMLElement>("[role=group]");
    setAsked(false);
    setBusy(true);
    failed("");
    try {
      await sendEdgeRequest(control.request, parseRequest(control, {}, data).members);
    } catch (error) {
      failed((error as Error).message);
    }
    setBusy(false);
    // Its button may be offered no longer; then the next key must not be the page's.
    if (document.activeElement === document.body) group?.focus();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        aria-disabled={isBusy || connection.value !== "open"}
        aria-label={`${control.title} ${name}`}
        data-testid="card-control"
        data-request={control.request}
        onClick={() => {
          if (isBusy || connection.value !== "open") return;
          if (control.question == null) void send();
          else setAsked(true);
        }}
      >
        {control.title}
        {control.question != null && "…"}
      </button>
      {isAsked && (
        <QuestionDialog
          title={`${control.title} ${name}?`}
          words={control.question ?? ""}
          action={control.title}
          confirm={() => void send()}
          close={() => setAsked(false)}
        />
      )}
    </>
  );
}
