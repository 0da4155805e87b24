/** What a card of the edge offers: tables of other entities, buttons, and forms of requests. */

import { useRef, useState } from "preact/hooks";
import type { CardControl } from "../api/protocol";
import { cardName } from "../model/cards/card";
import { type EdgeCard, offeredControls } from "../model/edge/edge_cards";
import { EdgeTable } from "./EdgeTable";
import { RequestButton } from "./RequestButton";
import { RequestForm } from "./RequestForm";

export function CardControls({ of }: { of: EdgeCard }) {
  return (
    <>
      {(of.card.manifest?.layout?.tables ?? []).map((table) => (
        <EdgeTable key={table.entityType} table={table} />
      ))}
      <ControlBar of={of} offered={offeredControls(of)} />
    </>
  );
}

interface BarProps {
  of: EdgeCard;
  offered: readonly CardControl[];
}

/** The buttons, and the form of the one that is open. */
function ControlBar({ of: { card, data }, offered }: BarProps) {
  const [open, setOpen] = useState("");
  const [error, setError] = useState("");
  const element = useRef<HTMLDivElement>(null);
  const form = offered.find(({ request }) => request === open);
  const close = () => {
    setOpen("");
    element.current?.querySelector<HTMLElement>(`[data-request="${CSS.escape(open)}"]`)?.focus();
  };
  if (offered.length === 0) return null;
  return (
    <div ref={element} class="card-controls">
      <div class="card-actions" role="group" tabIndex={-1} aria-label={`Control ${cardName(card)}`}>
        {offered.map((control) =>
          Object.keys(control.fields ?? {}).length === 0 ? (
            <RequestButton key={control.request} control={control} data={data} name={cardName(card)} failed={setError} />
          ) : (
            <button
              key={control.request}
              type="button"
              aria-expanded={control.request === open}
              data-testid="card-control"
              data-request={control.request}
              onClick={() => setOpen(control.request === open ? "" : control.request)}
            >
              {control.title}…
            </button>
          ),
        )}
      </div>
      {error !== "" && (
        <p class="form-problem" role="alert" data-testid="control-error">
          {error}
        </p>
      )}
      {form !== undefined && (
        <RequestForm key={form.request} control={form} data={data} name={cardName(card)} close={close} />
      )}
    </div>
  );
}
