/** The menu of a panel: move or hide it by keyboard, and actions on the whole display. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { exportDisplay, importDisplay, resetDisplay } from "../model/displays/open_display";
import { type MoveDirection, panelHidden, panelNudged, panelOf, panelRemoved, panelShown } from "../model/layout/layout";
import { changeLayout, isNarrow, layout, maximise, maximised } from "../model/layout/layout_store";
import { settingsOf } from "../model/layout/panel_settings";
import { saveText } from "../model/page/clipboard";
import { kindNamed, panelTitle } from "../model/panels/panel_kinds";
import { pickText } from "./pick_file";

const MOVES: readonly [MoveDirection, string][] = [
  ["left", "Move left"],
  ["right", "Move right"],
  ["up", "Move up"],
  ["down", "Move down"],
];

export function PaneMenu({ id, name }: { id: string; name: string }) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    <div class="menu-place">
      <button
        type="button"
        class="icon"
        ref={button}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-label={`Menu of ${name}`}
        data-testid={`menu-${id}`}
        onClick={() => setOpen(!open)}
      >
        ⋮
      </button>
      {open && <Menu id={id} name={name} close={close} leave={() => setOpen(false)} />}
    </div>
  );
}

function Menu({ id, name: panel, close, leave }: { id: string; name: string; close: () => void; leave: () => void }) {
  const menu = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => menu.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus(), []);
  useEffect(() => {
    const outside = (event: PointerEvent) => {
      if (!menu.current?.parentElement?.contains(event.target as Node)) leave();
    };
    addEventListener("pointerdown", outside);
    return () => removeEventListener("pointerdown", outside);
  }, []);
  const item = (name: string, act: () => void, testid?: string) => (
    <button
      key={name}
      type="button"
      role="menuitem"
      tabIndex={-1}
      data-testid={testid}
      onClick={() => {
        act();
        close();
      }}
    >
      {name}
    </button>
  );
  const found = panelOf(layout.value, id);
  const isMaximised = maximised.value?.id === id;
  return (
    <div class="menu" role="menu" ref={menu} aria-label={`${panel} and display`} onKeyDown={(event) => onKey(event, close)}>
      {found?.trouble === undefined && item("Settings…", () => (settingsOf.value = found ?? null), "panel-settings-open")}
      {!isNarrow.value && (isMaximised ? item("Restore", () => maximise(null), "restore") : item("Maximise", () => maximise(id), "maximise"))}
      {!isNarrow.value && !isMaximised && MOVES.map(([direction, name]) =>
        item(name, () => changeLayout((page) => panelNudged(page, id, direction)), `move-${direction}`),
      )}
      {!isNarrow.value && item("Hide", () => changeLayout((page) => panelHidden(page, id)), "put-away")}
      {kindNamed(found?.kind ?? id)?.isSingle !== true && item("Remove", () => changeLayout((page) => panelRemoved(page, id)), "panel-remove")}
      {layout.value.hidden.map((one) => item(`Show ${panelTitle(one)}`, () => changeLayout((page) => panelShown(page, one.id))))}
      {item("Reset the display", resetDisplay, "layout-reset")}
      {item("Export the display", () => saveText("nova-display.json", exportDisplay()), "layout-export")}
      {item("Import a display…", () => pickText(importDisplay), "layout-import")}
    </div>
  );
}

function onKey(event: KeyboardEvent, close: () => void): void {
  const items = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("[role=menuitem]")];
  const at = items.indexOf(document.activeElement as HTMLElement);
  const to: Record<string, number> = {
    ArrowDown: (at + 1) % items.length,
    ArrowUp: (at - 1 + items.length) % items.length,
    Home: 0,
    End: items.length - 1,
  };
  if (event.key === "Escape" || event.key === "Tab") close();
  else if (to[event.key] !== undefined) items[to[event.key] as number]?.focus();
  else return;
  if (event.key !== "Tab") event.preventDefault();
  event.stopPropagation();
}
