/** One row of the tree of entities: its name, freshness, and lanes. */

import type { AlarmInfo } from "../api/protocol";
import { alarmName, worstByNode } from "../model/alarms/alarm_list";
import { agesPending, shownAges } from "../model/entities/entity_ages";
import { selectedEntity, selectEntity, setFolded } from "../model/entities/entities";
import { ALL_LANES, type EntityRow, laneText, type TreeNode } from "../model/entities/entity_tree";
import { entityKey, type Lane } from "../model/values/event";
import { FRESHNESS_TEXTS } from "../model/values/freshness";
import { formatAge } from "../model/values/time";
import { FitButton } from "./FitButton";
import { SeveritySign } from "./Status";

export const ROW_PX = 28;
const UNKNOWN_TEXT = "not known: no answer";
const LANE_LETTERS: Readonly<Record<Lane, string>> = { metadata: "M", command: "C", ui: "U", parsed: "P", raw: "R" };

interface TreeRowProps {
  row: EntityRow;
  index: number;
  /** Whether it has the keyboard focus. */
  isCurrent: boolean;
  onChoose: () => void;
}

export function TreeRow({ row, index, isCurrent, onChoose }: TreeRowProps) {
  const { node, level, position, siblings, open } = row;
  const isChosen = node.entity !== undefined && selectedEntity.value !== null && entityKey(selectedEntity.value) === node.key;
  return (
    <div
      role="treeitem"
      class={`tree-row level-${level} ${isChosen ? "chosen" : ""}`}
      style={{ top: `${index * ROW_PX}px` }}
      tabIndex={isCurrent ? 0 : -1}
      aria-level={level}
      aria-posinset={position}
      aria-setsize={siblings}
      aria-expanded={open}
      aria-selected={node.entity === undefined ? undefined : isChosen}
      data-row={index}
      data-testid={node.entity === undefined ? "entity-group" : "entity-row"}
      data-entity={node.name}
      onClick={onChoose}
    >
      {open === undefined ? <Fresh node={node} /> : <span class={`fold ${open ? "open" : ""}`} aria-hidden="true" />}
      <span class="name">{node.name}</span>
      {isChosen && node.entity !== undefined && <FitButton entity={node.entity} tabIndex={-1} />}
      <RaisedSign node={node} />
      {open === undefined ? <EntityAge node={node} /> : <span class="units">{node.units.toLocaleString("en")}</span>}
      <LaneBadges node={node} />
    </div>
  );
}

/** The worst raised alarm of an entity, or of those below a group, and an acknowledged one that is worse. */
function RaisedSign({ node }: { node: TreeNode }) {
  const { raised, acknowledged } = worstByNode.value.get(node.key) ?? {};
  return (
    <>
      {raised !== undefined && <OneSign alarm={raised} />}
      {acknowledged !== undefined && <OneSign alarm={acknowledged} />}
    </>
  );
}

function OneSign({ alarm }: { alarm: AlarmInfo }) {
  const isAcknowledged = alarm.state === "acknowledged";
  const words = `${alarm.severity}: ${alarmName(alarm)} of ${alarm.uniqueId}${isAcknowledged ? ", acknowledged" : ""}`;
  return (
    <span class="tree-alarm" title={words} data-testid="tree-alarm" data-severity={alarm.severity} data-state={alarm.state}>
      <SeveritySign severity={alarm.severity ?? undefined} isAcknowledged={isAcknowledged} />
    </span>
  );
}

/** The action of a click or Enter: select a unit, open or close anything above it. */
export function activate(node: TreeNode, open: boolean | undefined): void {
  if (node.entity !== undefined) selectEntity(node.entity);
  else setFolded(node.key, open === true);
}

function Fresh({ node }: { node: TreeNode }) {
  const ages = shownAges.value;
  const is = ages?.get(node.key)?.freshness ?? "unseen";
  const words = ages === null ? UNKNOWN_TEXT : FRESHNESS_TEXTS[is];
  return (
    <span data-testid="fresh" data-freshness={agesPending.value || ages === null ? "pending" : is} class={`fresh ${is} ${worstByNode.value.has(node.key) ? "alarmed" : ""}`} title={words}>
      <span class="sr-only">{words}</span>
    </span>
  );
}

function EntityAge({ node }: { node: TreeNode }) {
  const ms = shownAges.value?.get(node.key)?.ageMs;
  if (ms === undefined) return <span class="units">–</span>;
  return <span class="units">{ms < 1_000 ? "now" : formatAge(Math.floor(ms / 1000) * 1000).replace(".0", "")}</span>;
}

function LaneBadges({ node }: { node: TreeNode }) {
  return (
    <span class="lane-counts">
      {ALL_LANES.map((lane) => {
        const count = node.lanes[lane];
        if (count === undefined) return null;
        const words = laneText(node, lane);
        return (
          <span key={lane} class={`lane-count ${lane}`} title={words}>
            <span aria-hidden="true">
              {LANE_LETTERS[lane]}
              {count}
            </span>
            <span class="sr-only">{words}</span>
          </span>
        );
      })}
    </span>
  );
}
