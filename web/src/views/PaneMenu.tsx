/** The menu of a panel: move or hide it by keyboard, and actions on the whole layout. */

import { useEffect, useRef, useState } from "preact/hooks";
import { exportDisplay, importDisplay, resetDisplay } from "../model/displays/open_display";
import { type MoveDirection, panelHidden, panelNudged, panelShown } from "../model/layout/layout";
import { changeLayout, isNarrow, layout } from "../model/layout/layout_store";
import { saveText } from "../model/page/clipboard";
import { panelTitle } from "../model/panels/panel_kinds";

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
  useEffect(() => menu.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus(), []);
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
  return (
    <div class="menu" role="menu" ref={menu} aria-label={`${panel} and layout`} onKeyDown={(event) => onKey(event, close)}>
      {!isNarrow.value && MOVES.map(([direction, name]) =>
        item(name, () => changeLayout((page) => panelNudged(page, id, direction)), `move-${direction}`),
      )}
      {!isNarrow.value && item("Hide", () => changeLayout((page) => panelHidden(page, id)), "put-away")}
      {layout.value.hidden.map((one) => item(`Show ${panelTitle(one)}`, () => changeLayout((page) => panelShown(page, one.id))))}
      {item("Reset the layout", resetDisplay, "layout-reset")}
      {item("Export the layout", () => saveText("nova-layout.json", exportDisplay()), "layout-export")}
      {item("Import a layout…", pickLayout, "layout-import")}
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

function pickLayout(): void {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = "application/json,.json";
  input.onchange = () => {
    void input.files?.[0]?.text().then(importDisplay);
  };
  input.click();
}
