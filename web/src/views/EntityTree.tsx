/** The entities as a tree; only the rows in sight are drawn, so that ten thousand are no burden. */

import { useEffect, useMemo, useRef } from "preact/hooks";
import { signal } from "@preact/signals";
import {
  clockSecondMs,
  entities,
  entitiesTrouble,
  fold,
  rows,
  search,
  seenMs,
  select,
  selected,
} from "../model/entities";
import { entityKey, type Lane } from "../model/event";
import { freshness, FRESHNESS_IN_WORDS } from "../model/freshness";
import { scrolling } from "../model/scrolling";
import { age } from "../model/time";
import { LANES, type LaneCounts, type Row, stepOf, type TreeNode, windowOf } from "../model/tree";
import { Empty, Pane, Trouble } from "./Pane";

const ROW_PX = 28;
const SHORT: Readonly<Record<Lane, string>> = { metadata: "M", command: "C", ui: "U", parsed: "P", raw: "R" };

/** The row that the keyboard is at. */
const at = signal<string | null>(null);

export function EntityTree() {
  const count = entities.value?.length ?? 0;
  return (
    <Pane
      id="entities"
      tools={
        <input
          type="search"
          id="entity-search"
          placeholder={count > 0 ? `Search ${count.toLocaleString("en")}` : "Search"}
          aria-label="Search entities"
          aria-keyshortcuts="/"
          data-testid="entity-search"
          value={search.value}
          onInput={(event) => (search.value = event.currentTarget.value)}
        />
      }
    >
      <Trouble text={entitiesTrouble.value} />
      <Content />
    </Pane>
  );
}

function Content() {
  if (entities.value === null) return <Empty>Looking for entities…</Empty>;
  if (entities.value.length === 0) {
    return (
      <Empty testid="entities-empty">
        No entities yet. Publish something, for example
        <code>nova produce FILE --to URL --scope ID</code>
      </Empty>
    );
  }
  if (rows.value.length === 0) return <Empty>Nothing matches “{search.value}”.</Empty>;
  return <Tree />;
}

function Tree() {
  const element = useRef<HTMLDivElement>(null);
  const scrolled = useMemo(scrolling, []);
  useEffect(() => scrolled.watch(element.current as HTMLElement), []);
  const all = rows.value;
  const isSearched = search.value.trim() !== "";
  useEffect(() => reveal(element.current as HTMLElement, currentRow(rows.peek())), [isSearched]);
  const [first, behind] = windowOf(scrolled.top.value, scrolled.height.value, ROW_PX, all.length);
  const current = currentRow(all);
  const drawn = all.slice(first, behind).map((row, index): [Row, number] => [row, first + index]);
  // The row with the focus stays, wherever the list is scrolled to, and keeps its place among the others.
  if (current < first) drawn.unshift([all[current] as Row, current]);
  else if (current >= behind) drawn.push([all[current] as Row, current]);
  const onKeyDown = (event: KeyboardEvent) => onKey(event, all, currentRow(all), element.current as HTMLElement);
  return (
    <div class="tree" role="tree" aria-label="Entities" ref={element} onKeyDown={onKeyDown} data-testid="entity-tree">
      <div class="tree-rows" role="presentation" style={{ height: `${all.length * ROW_PX}px` }}>
        {drawn.map(([row, index]) => (
          <OneRow key={row.node.key} row={row} index={index} isCurrent={index === current} />
        ))}
      </div>
    </div>
  );
}

/** The row that takes the focus: where the keyboard was, else the chosen entity, else the first. */
function currentRow(all: readonly Row[]): number {
  const wanted = at.value ?? (selected.value === null ? null : entityKey(selected.value));
  return Math.max(0, all.findIndex(({ node }) => node.key === wanted));
}

function OneRow({ row, index, isCurrent }: { row: Row; index: number; isCurrent: boolean }) {
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
      onClick={() => {
        at.value = node.key;
        act(node, open);
      }}
    >
      {open === undefined ? <Fresh node={node} /> : <span class={`fold ${open ? "open" : ""}`} aria-hidden="true" />}
      <span class="name">{node.name}</span>
      {open === undefined ? <Age node={node} /> : <span class="units">{node.units.toLocaleString("en")}</span>}
      <Lanes counts={node.lanes} />
    </div>
  );
}

function act(node: TreeNode, open: boolean | undefined): void {
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

function Lanes({ counts }: { counts: LaneCounts }) {
  return (
    <span class="lane-counts">
      {LANES.map((lane) => {
        const count = counts[lane];
        if (count === undefined) return null;
        const words = `${count} ${lane} series`;
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

function onKey(event: KeyboardEvent, all: readonly Row[], current: number, tree: HTMLElement): void {
  const row = all[current];
  if (row === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  const step = stepOf(event.key, all, current);
  if (step !== undefined) {
    if ("to" in step) focusRow(tree, all, step.to);
    else if ("open" in step) fold(step.open, false);
    else fold(step.close, true);
  } else if (event.key === "Enter" || event.key === " ") {
    act(row.node, row.open);
  } else if (!event.key.startsWith("Arrow")) {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}

/** Put the focus on a row, which may have to be scrolled to and drawn first. */
function focusRow(tree: HTMLElement, all: readonly Row[], index: number): void {
  at.value = all[index]?.node.key ?? null;
  reveal(tree, index);
  requestAnimationFrame(() => tree.querySelector<HTMLElement>(`[data-row="${index}"]`)?.focus());
}

/** Scroll as far as a row needs to be seen. */
function reveal(tree: HTMLElement, index: number): void {
  const [top, bottom] = [index * ROW_PX, (index + 1) * ROW_PX];
  if (top < tree.scrollTop) tree.scrollTop = top;
  else if (bottom > tree.scrollTop + tree.clientHeight) tree.scrollTop = bottom - tree.clientHeight;
}
