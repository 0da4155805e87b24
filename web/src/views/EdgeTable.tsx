/** A table of entities that the edge lists, each with buttons of its own card. */

import { useState } from "preact/hooks";
import type { EntityTable } from "../api/protocol";
import { cardName, keySpec } from "../model/cards/card";
import { openCard } from "../model/cards/card_list";
import { keyTitle } from "../model/cards/manifests";
import { type EdgeCard, edgeCards, offeredControls } from "../model/edge/edge_cards";
import { CardValue } from "./CardValue";
import { RequestButton } from "./RequestButton";

/** The entities of a type, each with the buttons that the table names. */
export function EdgeTable({ table }: { table: EntityTable }) {
  const [error, setError] = useState("");
  const rows = [...edgeCards.value].filter(([, { entityType }]) => entityType === table.entityType);
  const manifest = rows[0]?.[1].card.manifest;
  if (rows.length === 0) {
    return (
      <p class="card-foot muted" data-testid="table-empty">
        {table.empty ?? ""}
      </p>
    );
  }
  return (
    <div class="entity-table" tabIndex={0} role="region" aria-label={table.title}>
      <table>
        <thead>
          <tr>
            <th scope="col">Name</th>
            {table.columns.map((key) => (
              <th key={key} scope="col">
                {keyTitle(manifest, key)}
              </th>
            ))}
            <th scope="col">
              <span class="sr-only">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([id, row]) => (
            <Row key={id} row={row} table={table} failed={setError} />
          ))}
        </tbody>
      </table>
      {error !== "" && (
        <p class="form-problem" role="alert" data-testid="table-error">
          {error}
        </p>
      )}
    </div>
  );
}

interface RowProps {
  row: EdgeCard;
  table: EntityTable;
  failed: (error: string) => void;
}

function Row({ row, table, failed }: RowProps) {
  const { card, data } = row;
  const name = cardName(card);
  const named = new Set(table.controls);
  return (
    <tr data-testid="table-row" data-name={name}>
      <th scope="row">
        <button type="button" class="link-button" title={`Open ${name}`} onClick={() => openCard({ ...card.view, id: card.id })}>
          {name}
        </button>
      </th>
      {table.columns.map((key) => (
        <td key={key} class={keySpec(card, key).type === "integer" ? "number" : ""}>
          <CardValue card={card} name={key} />
        </td>
      ))}
      <td class="row-actions">
        {offeredControls(row)
          .filter(({ request }) => named.has(request))
          .map((control) => (
            <RequestButton key={control.request} control={control} data={data} name={name} failed={failed} />
          ))}
      </td>
    </tr>
  );
}
