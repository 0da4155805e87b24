/** The history: every command as of the clock, of all entities or of the chosen one. */

import { useState } from "preact/hooks";
import { selected } from "../model/entities";
import { ledger, ofChosen, shownCommands } from "../model/history";
import { CommandRow } from "./CommandRow";
import { Empty, Trouble } from "./Pane";

/** More rows than these are drawn only when they are asked for. */
const DRAWN_MAX = 100;

export function CommandHistory() {
  return (
    <>
      <div class="filters">
        <select
          aria-label="Commands to whom"
          data-testid="history-entity"
          value={ofChosen.value ? "chosen" : "all"}
          onChange={(event) => (ofChosen.value = event.currentTarget.value === "chosen")}
        >
          <option value="all">all entities</option>
          <option value="chosen">{selected.value?.uniqueId ?? "chosen entity"}</option>
        </select>
      </div>
      <Trouble text={ledger.trouble.value} />
      <List />
    </>
  );
}

function List() {
  const [most, setMost] = useState(DRAWN_MAX);
  const all = shownCommands.value;
  const isWhole = ledger.olderKey.value === null;
  if (all.length === 0) {
    return (
      <Empty testid="history-empty">
        {ledger.awaited.value ? "Asking for the commands…" : "No command was sent up to the clock's time."}
      </Empty>
    );
  }
  const more = () => {
    setMost(most + DRAWN_MAX);
    if (most + DRAWN_MAX > all.length) ledger.older();
  };
  return (
    <div
      class={`scroll ${ledger.awaited.value ? "awaited-soon" : ""}`}
      tabIndex={0}
      role="region"
      aria-label="Commands"
      aria-busy={ledger.awaited.value}
      data-testid="history"
    >
      <ul class="commands">
        {all.slice(0, most).map((command) => (
          <CommandRow key={command.id} command={command} isFull />
        ))}
      </ul>
      {(all.length > most || !isWhole) && (
        <button type="button" class="more" data-testid="history-older" onClick={more}>
          Show older
        </button>
      )}
    </div>
  );
}
