/** The entities that there are, grouped by scope, system and container. */

import type { EntityInfo } from "../api/protocol";
import { entities, groups, search, select, selected } from "../model/entities";
import { entityKey, type Lane } from "../model/event";

const LANES: readonly Lane[] = ["metadata", "command", "ui", "parsed", "raw"];
const SHORT: Record<Lane, string> = {
  metadata: "meta",
  command: "cmd",
  ui: "ui",
  parsed: "msg",
  raw: "raw",
};

export function EntityList() {
  return (
    <section class="panel" aria-label="Entities">
      <div class="panel-head">
        <h2>Entities</h2>
        <input
          type="search"
          placeholder="Search"
          aria-label="Search entities"
          data-testid="entity-search"
          value={search.value}
          onInput={(event) => (search.value = event.currentTarget.value)}
        />
      </div>
      <div class="scroll">{content()}</div>
    </section>
  );
}

function content() {
  if (entities.value === null) return <p class="empty">Looking for entities…</p>;
  if (entities.value.length === 0) {
    return (
      <p class="empty">
        No entities yet. Publish something, for example
        <code>nova produce FILE --to URL --scope ID</code>
      </p>
    );
  }
  if (groups.value.length === 0) return <p class="empty">Nothing matches “{search.value}”.</p>;
  return groups.value.map(([group, members]) => (
    <div key={group}>
      <h3 class="group">{group}</h3>
      {members.map((entity) => (
        <Row key={entityKey(entity)} entity={entity} />
      ))}
    </div>
  ));
}

function Row({ entity }: { entity: EntityInfo }) {
  const chosen = selected.value !== null && entityKey(selected.value) === entityKey(entity);
  const lanes = LANES.filter((lane) => entity.series.some((series) => series.lane === lane));
  return (
    <button
      type="button"
      class={`row ${chosen ? "chosen" : ""}`}
      aria-pressed={chosen}
      data-testid="entity-row"
      data-entity={entity.uniqueId}
      onClick={() => select(entity)}
    >
      <span>{entity.uniqueId}</span>
      <span class="lanes">
        {lanes.map((lane) => (
          <span key={lane} class={`lane ${lane}`} title={lane}>
            {SHORT[lane]}
          </span>
        ))}
      </span>
    </button>
  );
}
