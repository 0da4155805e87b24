/** One row of the tree of entities: its name, how fresh it is, and which lanes it has. */

import { clockSecondMs, fold, seenMs, select, selected } from "../model/entities";
import { entityKey, type Lane } from "../model/event";
import { freshness, FRESHNESS_IN_WORDS } from "../model/freshness";
import { age } from "../model/time";
import { LANES, laneInWords, type Row, type TreeNode } from "../model/tree";

export const ROW_PX = 28;
const SHORT: Readonly<Record<Lane, string>> = { metadata: "M", command: "C", ui: "U", parsed: "P", raw: "R" };

interface Props {
  row: Row;
  index: number;
  /** Whether the keyboard is at it. */
  isCurrent: boolean;
  onChoose: () => void;
}

export function TreeRow({ row, index, isCurrent, onChoose }: Props) {
  const { node, level, position, siblings, open } = row;
  const isChosen = node.entity !== undefined && selected.value !== null && entityKey(selected.value) === node.key;
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
      {open === undefined ? <Age node={node} /> : <span class="units">{node.units.toLocaleString("en")}</span>}
      <Lanes node={node} />
    </div>
  );
}

/** What a click or Enter does: a unit is chosen, anything above it opens or closes. */
export function activate(node: TreeNode, open: boolean | undefined): void {
  if (node.entity !== undefined) select(node.entity);
  else fold(node.key, open === true);
}

function ageOf(node: TreeNode): number | undefined {
  const seen = seenMs.value?.get(node.key);
  return seen === undefined ? undefined : clockSecondMs.value - seen;
}

function Fresh({ node }: { node: TreeNode }) {
  const is = seenMs.value === null ? "old" : freshness(ageOf(node));
  return (
    <span class={`fresh ${is}`} title={FRESHNESS_IN_WORDS[is]}>
      <span class="sr-only">{FRESHNESS_IN_WORDS[is]}</span>
    </span>
  );
}

function Age({ node }: { node: TreeNode }) {
  const ms = ageOf(node);
  if (ms === undefined) return <span class="units">–</span>;
  return <span class="units">{ms < 1_000 ? "now" : age(Math.floor(ms / 1000) * 1000).replace(".0", "")}</span>;
}

function Lanes({ node }: { node: TreeNode }) {
  return (
    <span class="lane-counts">
      {LANES.map((lane) => {
        const count = node.lanes[lane];
        if (count === undefined) return null;
        const words = laneInWords(node, lane);
        return (
          <span key={lane} class={`lane-count ${lane}`} title={words}>
            <span aria-hidden="true">
              {SHORT[lane]}
              {count}
            </span>
            <span class="sr-only">{words}</span>
          </span>
        );
      })}
    </span>
  );
}
