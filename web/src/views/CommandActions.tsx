/** The commands of the selected entity: a form for each, and the recent ones. */

import { moreStatesPending } from "../model/cards/cards";
import { type CatalogEntry, catalogOf } from "../model/commands/command_catalog";
import { commandsTo } from "../model/commands/command_history";
import { commandTab, openFormOf, setOpenForm } from "../model/commands/command_panel";
import { entities, selectedEntity } from "../model/entities/entities";
import { type Entity, entityKey } from "../model/values/event";
import { CommandForm } from "./CommandForm";
import { CommandRow } from "./CommandRow";
import { Empty } from "./Pane";

const LAST_COMMANDS = 5;

export function CommandActions() {
  const entity = selectedEntity.value;
  if (entity === null) return <Empty testid="commands-empty">Select an entity to send it a command.</Empty>;
  const abilities = catalogOf(entity);
  if (abilities.length === 0) return <Nothing entity={entity} />;
  const shown = openFormOf(
    entity,
    abilities.map(({ action }) => action.commandType),
  );
  return (
    <div class="scroll command-actions" data-testid="command-actions" data-entity={entity.uniqueId}>
      <p class="muted command-target">
        To <strong>{entity.uniqueId}</strong> {entity.scopeId} · {entity.systemId} · {entity.containerId}
      </p>
      {abilities.map((ability) => (
        <OneAction
          key={`${entityKey(entity)} ${ability.action.commandType}`}
          entity={entity}
          ability={ability}
          isOpen={ability.action.commandType === shown}
        />
      ))}
      <Last entity={entity} />
    </div>
  );
}

function Nothing({ entity }: { entity: Entity }) {
  const isAsking = entities.value === null || moreStatesPending.value;
  return (
    <Empty testid="commands-empty">
      {isAsking
        ? "Loading its commands…"
        : `${entity.uniqueId} accepts no commands: none of its cards has an action, and its descriptor allows none.`}
    </Empty>
  );
}

function OneAction({ entity, ability, isOpen }: { entity: Entity; ability: CatalogEntry; isOpen: boolean }) {
  const { action, reason } = ability;
  const id = `action-${entityKey(entity)}-${action.commandType}`.replaceAll(/[^A-Za-z0-9_-]/g, "_");
  return (
    <section class={`action ${isOpen ? "open" : ""}`} data-testid="action" data-command={action.commandType}>
      <h3>
        <button
          type="button"
          class="action-head"
          aria-expanded={isOpen}
          aria-controls={id}
          data-testid="action-open"
          onClick={() => setOpenForm(entity, isOpen ? null : action.commandType)}
        >
          <i class={`fold ${isOpen ? "open" : ""}`} aria-hidden="true" />
          <span class="action-title">{action.title}</span>
          {action.critical === true && <span class="tag warn">critical</span>}
          {reason !== "" && <span class="tag">cannot be sent</span>}
          {action.title !== action.commandType && <code class="muted">{action.commandType}</code>}
        </button>
      </h3>
      <div id={id} hidden={!isOpen}>
        {isOpen && <CommandForm entity={entity} ability={ability} />}
      </div>
    </section>
  );
}

function Last({ entity }: { entity: Entity }) {
  const all = commandsTo(entity);
  if (all.length === 0) return null;
  return (
    <section class="last" aria-label={`Last commands to ${entity.uniqueId}`}>
      <h3 class="part-title">
        Recent commands
        {all.length > LAST_COMMANDS && (
          <button type="button" class="link-button" onClick={() => (commandTab.value = "history")}>
            all {all.length.toLocaleString("en")}
          </button>
        )}
      </h3>
      <ul class="commands">
        {all.slice(0, LAST_COMMANDS).map((command) => (
          <CommandRow key={command.id} command={command} />
        ))}
      </ul>
    </section>
  );
}
