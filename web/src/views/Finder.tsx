/** The finder: a box over the page, and below it what it offers. The focus stays in the box. */

import { useEffect, useRef, useState } from "preact/hooks";
import { closeFinder, finderError, finderNote, finderOpen, finderSections, finderText, pageActions, startFinder } from "../model/finder/finder";
import type { FinderItem, FinderSection } from "../model/finder/finder_items";
import "../finder.css";
import { useScreenModal } from "./modal";
import { finderActions } from "./finder_actions";

const OPTION = "finder-option";

export function Finder() {
  useEffect(startFinder, []);
  useEffect(() => {
    if (finderOpen.value) pageActions.value = finderActions();
  }, [finderOpen.value]);
  return finderOpen.value ? <Box /> : null;
}

function Box() {
  const modal = useScreenModal(closeFinder);
  const [at, setAt] = useState(0);
  const sections = finderSections.value;
  const items = sections.flatMap((section) => section.items);
  const current = Math.min(at, items.length - 1);
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" }), [current, sections]);
  const onKeyDown = (event: KeyboardEvent) => {
    event.stopPropagation();
    const to = stepOf(event, current, items.length);
    if (to !== undefined) setAt(to);
    else if (event.key === "Enter") run(items[current]);
    else if (!isToggle(event)) return;
    else closeFinder();
    event.preventDefault();
  };
  return (
    <dialog {...modal} class="finder" aria-label="Find" data-testid="finder" onKeyDown={onKeyDown} onClick={closeOutside}>
      <input
        type="text"
        role="combobox"
        aria-expanded={items.length > 0}
        aria-controls="finder-list"
        aria-autocomplete="list"
        aria-activedescendant={current < 0 ? undefined : `${OPTION}-${current}`}
        aria-label="Find entities, fields, commands, panels, actions, times, and text in events"
        placeholder="Entity, field, command, panel, action, time, or text…"
        autocomplete="off"
        spellcheck={false}
        autofocus
        data-testid="finder-input"
        value={finderText.value}
        onInput={(event) => {
          finderText.value = event.currentTarget.value;
          setAt(0);
        }}
      />
      <div id="finder-list" class="finder-list" role="listbox" aria-label="What is found" ref={list}>
        {sections.map((section, index) => (
          <Section key={section.group} section={section} first={countBefore(sections, index)} current={current} />
        ))}
      </div>
      <Notes count={items.length} />
    </dialog>
  );
}

function countBefore(sections: readonly FinderSection[], index: number): number {
  return sections.slice(0, index).reduce((sum, { items }) => sum + items.length, 0);
}

/** The item that a key moves to, around both ends; undefined if the key moves nothing. */
function stepOf(event: KeyboardEvent, current: number, count: number): number | undefined {
  if (count === 0 || event.ctrlKey || event.metaKey) return undefined;
  if (event.key === "ArrowDown") return (current + 1) % count;
  if (event.key === "ArrowUp") return (current - 1 + count) % count;
  if (event.key === "PageDown") return count - 1;
  return event.key === "PageUp" ? 0 : undefined;
}

function isToggle(event: KeyboardEvent): boolean {
  return (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k";
}

/** Close first: what is done may open another dialog, or move the focus. */
function run(item: FinderItem | undefined): void {
  if (item === undefined) return;
  closeFinder();
  item.act();
}

function closeOutside(event: MouseEvent): void {
  if (event.target === event.currentTarget) closeFinder();
}

interface SectionProps {
  section: FinderSection;
  /** The number of its first item among all. */
  first: number;
  current: number;
}

function Section({ section: { group, items, more }, first, current }: SectionProps) {
  return (
    <div role="group" aria-label={group}>
      <p class="finder-group" aria-hidden="true">
        {group}
        {more > 0 && <span class="muted"> and {more.toLocaleString("en")} more: type more of the name</span>}
      </p>
      {items.map((item, index) => (
        <Option key={item.key} item={item} number={first + index} isCurrent={first + index === current} />
      ))}
    </div>
  );
}

function Option({ item, number, isCurrent }: { item: FinderItem; number: number; isCurrent: boolean }) {
  return (
    <div
      id={`${OPTION}-${number}`}
      class={`finder-option ${isCurrent ? "current" : ""}`}
      role="option"
      aria-selected={isCurrent}
      data-testid="finder-option"
      data-key={item.key}
      onClick={() => run(item)}
    >
      <span class="finder-name">{item.name}</span>
      <span class="muted finder-detail">{item.detail}</span>
      {item.hint !== undefined && <span class="muted finder-hint">{item.hint}</span>}
      {item.keys !== undefined && <kbd>{item.keys}</kbd>}
    </div>
  );
}

function Notes({ count }: { count: number }) {
  const words = [finderError.value, finderNote.value].filter((one) => one !== "").join(" ");
  return (
    <>
      {words !== "" && <p class="finder-note muted">{words}</p>}
      <p class="sr-only" role="status">
        {count} found
      </p>
    </>
  );
}
