/** The history: every command as of the clock, of all entities or of the selected one. */

import { useState } from "preact/hooks";
import { commandLedger, historySelectedOnly, shownCommands } from "../model/commands/command_history";
import { selectedEntity } from "../model/entities/entities";
import { entityName } from "../model/entities/entity_names";
import { CommandRow } from "./CommandRow";
import { Empty, ErrorNotice } from "./Pane";

/** More rows than these are drawn only on request. */
const DRAWN_MAX = 100;

export function CommandHistory() {
  return (
    <>
      <div class="filters">
        <select
          aria-label="Target of the commands"
          data-testid="history-entity"
          value={historySelectedOnly.value ? "chosen" : "all"}
          onChange={(event) => (historySelectedOnly.value = event.currentTarget.value === "chosen")}
        >
          <option value="all">all entities</option>
          <option value="chosen">{selectedEntity.value === null ? "selected entity" : entityName(selectedEntity.value)}</option>
        </select>
      </div>
      <ErrorNotice text={commandLedger.error.value} />
      <List />
    </>
  );
}

function List() {
  const [most, setMost] = useState(DRAWN_MAX);
  const all = shownCommands.value;
  const isWhole = commandLedger.olderKey.value === null;
  if (all.length === 0) {
    return (
      <Empty testid="history-empty">
        {commandLedger.pending.value ? "Loading commands…" : "No commands up to the clock's time."}
      </Empty>
    );
  }
  const more = () => {
    setMost(most + DRAWN_MAX);
    if (most + DRAWN_MAX > all.length) commandLedger.loadOlder();
  };
  return (
    <div
      class={`scroll ${commandLedger.pending.value ? "awaited-soon" : ""}`}
      tabIndex={0}
      role="region"
      aria-label="Commands"
      aria-busy={commandLedger.pending.value}
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
