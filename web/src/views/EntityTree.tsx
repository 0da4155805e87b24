/** The entities as a tree; only visible rows are drawn, which keeps ten thousand entities fast. */

import { useEffect, useMemo, useRef } from "preact/hooks";
import { signal } from "@preact/signals";
import { entities, entitiesError, entitySearch, selectedEntity, setFolded, treeRows } from "../model/entities/entities";
import { type EntityRow, keyStep, visibleRows } from "../model/entities/entity_tree";
import { agesAtMs, agesPending, listedAtMs } from "../model/entities/entity_ages";
import { scrolling } from "../model/page/scrolling";
import { entityKey } from "../model/values/event";
import { Empty, ErrorNotice, Pane } from "./Pane";
import { activate, ROW_PX, TreeRow } from "./TreeRow";


/** The row with the keyboard focus. */
const focusedKey = signal<string | null>(null);

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
          value={entitySearch.value}
          onInput={(event) => (entitySearch.value = event.currentTarget.value)}
        />
      }
    >
      <ErrorNotice text={entitiesError.value} />
      <Content />
    </Pane>
  );
}

function Content() {
  if (entities.value === null) return <Empty>Loading entities…</Empty>;
  if (entities.value.length === 0) {
    return (
      <Empty testid="entities-empty">
        No entities yet. Publish something, for example
        <code>nova produce FILE --to URL --scope ID</code>
      </Empty>
    );
  }
  if (treeRows.value.length === 0) return <Empty>Nothing matches “{entitySearch.value}”.</Empty>;
  return <Tree />;
}

function Tree() {
  const element = useRef<HTMLDivElement>(null);
  const scrolled = useMemo(scrolling, []);
  useEffect(() => scrolled.watch(element.current as HTMLElement), []);
  const all = treeRows.value;
  const isSearched = entitySearch.value.trim() !== "";
  useEffect(() => revealRow(element.current as HTMLElement, currentRow(treeRows.peek())), [isSearched]);
  const [first, behind] = visibleRows(scrolled.top.value, scrolled.height.value, ROW_PX, all.length);
  const current = currentRow(all);
  const drawn = all.slice(first, behind).map((row, index): [EntityRow, number] => [row, first + index]);
  // The row with the focus remains in the document while it is scrolled out of view.
  if (current < first) drawn.unshift([all[current] as EntityRow, current]);
  else if (current >= behind) drawn.push([all[current] as EntityRow, current]);
  const onKeyDown = (event: KeyboardEvent) => onKey(event, all, currentRow(all), element.current as HTMLElement);
  return (
    <div class="tree" role="tree" aria-label="Entities" ref={element} onKeyDown={onKeyDown} data-testid="entity-tree">
      <AgesAt />
      <div class="tree-rows" role="presentation" style={{ height: `${all.length * ROW_PX}px` }}>
        {drawn.map(([row, index]) => (
          <TreeRow
            key={row.node.key}
            row={row}
            index={index}
            isCurrent={index === current}
            onChoose={() => chooseRow(row)}
          />
        ))}
      </div>
    </div>
  );
}

/** The moment of the ages and that of the listing behind them, for programs that read the page. */
function AgesAt() {
  const listedMs = listedAtMs();
  return <span hidden data-testid="ages-at" data-ms={agesAtMs.value} data-listed-ms={listedMs} data-pending={agesPending.value} />;
}

/** The row that takes the focus: the last focused, else the selected entity, else the first. */
function currentRow(all: readonly EntityRow[]): number {
  const wanted = focusedKey.value ?? (selectedEntity.value === null ? null : entityKey(selectedEntity.value));
  return Math.max(0, all.findIndex(({ node }) => node.key === wanted));
}

function chooseRow({ node, open }: EntityRow): void {
  focusedKey.value = node.key;
  activate(node, open);
}

function onKey(event: KeyboardEvent, all: readonly EntityRow[], current: number, tree: HTMLElement): void {
  const row = all[current];
  if (row === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  const step = keyStep(event.key, all, current);
  if (step !== undefined) {
    if ("to" in step) focusRow(tree, all, step.to);
    else if ("open" in step) setFolded(step.open, false);
    else setFolded(step.close, true);
  } else if (event.key === "Enter" || event.key === " ") {
    activate(row.node, row.open);
  } else if (!event.key.startsWith("Arrow")) {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}

/** Put the focus on a row, which may have to be scrolled to and drawn first. */
function focusRow(tree: HTMLElement, all: readonly EntityRow[], index: number): void {
  focusedKey.value = all[index]?.node.key ?? null;
  revealRow(tree, index);
  requestAnimationFrame(() => tree.querySelector<HTMLElement>(`[data-row="${index}"]`)?.focus());
}

/** Scroll until a row is visible. */
function revealRow(tree: HTMLElement, index: number): void {
  const [top, bottom] = [index * ROW_PX, (index + 1) * ROW_PX];
  if (top < tree.scrollTop) tree.scrollTop = top;
  else if (bottom > tree.scrollTop + tree.clientHeight) tree.scrollTop = bottom - tree.clientHeight;
}
