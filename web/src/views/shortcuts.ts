/** Keyboard shortcuts: one table of keys, actions and help texts. */

import { signal } from "@preact/signals";
import {
  backwards,
  chooseDirection,
  chooseLoop,
  cursor,
  looping,
  seek,
  shiftRate,
  timebase,
  toggle,
} from "../model/clock/clock";
import { otherTimebase, step, switchTimebase } from "../model/clock/cursor_event";
import { isSkippingGaps } from "../model/clock/gap_skip";
import { openFinder } from "../model/finder/finder";
import { maximise, maximised } from "../model/layout/layout_store";
import { fitSelectedEntity } from "../model/timeline/fit_entity";
import { showEverything, zoom } from "../model/timeline/gesture";
import { searchOpen } from "../model/search/search_form";
import { linksOpen } from "../model/session/links";
import { stepMatch } from "../model/search/searches";
import { cursorLineMs } from "../model/timeline/scrub";
import { selection, setSelection, setSelectionEnd, spanLength, visible } from "../model/timeline/span";
import { extent } from "../model/timeline/timeline_data";
import { goToPresent, runAction } from "../model/timeline/timeline_sync";
import { fromFineMs, toFineMs } from "../model/values/time";

export interface Shortcut {
  /** The values of KeyboardEvent.key that trigger it. */
  readonly keys: readonly string[];
  /** The keys as text for people. */
  readonly name: string;
  readonly what: string;
  readonly act: () => void;
}

/** A jump is this share of the visible span, so that it fits every zoom. */
const JUMP_SHARE = 0.1;
const ZOOM = 1.5;
/** Keys that move within a widget, and the widgets that use them. */
const MOVING = /^(Arrow|Home|End|Page)/;
const MOVED = '[role="tree"], [role="menu"], [role="separator"], [role="tablist"], [role="listbox"]';

export const helpOpen = signal(false);

export const SHORTCUTS: readonly Shortcut[] = [
  { keys: [" "], name: "Space", what: "play or pause", act: toggle },
  { keys: ["l", "L"], name: "L", what: "go LIVE", act: goToPresent },
  { keys: ["ArrowLeft"], name: "←", what: "previous event", act: () => runAction(step("previous")) },
  { keys: ["ArrowRight"], name: "→", what: "next event", act: () => runAction(step("next")) },
  { keys: ["Shift+ArrowLeft"], name: "Shift ←", what: "back a tenth of the view", act: () => jump(-1) },
  { keys: ["Shift+ArrowRight"], name: "Shift →", what: "forward a tenth of the view", act: () => jump(1) },
  { keys: ["Home"], name: "Home", what: "the first event", act: () => goTo(extent.value?.startMs) },
  { keys: ["End"], name: "End", what: "the last event up to now", act: () => goTo(extent.value?.stopMs) },
  { keys: ["r", "R"], name: "R", what: "reverse direction", act: () => chooseDirection(!backwards.value) },
  { keys: [","], name: ",", what: "slower", act: () => shiftRate(-1) },
  { keys: ["."], name: ".", what: "faster", act: () => shiftRate(1) },
  { keys: ["+", "="], name: "+", what: "zoom in", act: () => zoom(1 / ZOOM) },
  { keys: ["-"], name: "−", what: "zoom out", act: () => zoom(ZOOM) },
  { keys: ["0"], name: "0", what: "show everything", act: showEverything },
  { keys: ["e", "E"], name: "E", what: "show all of the selected entity", act: () => runAction(fitSelectedEntity()) },
  { keys: ["["], name: "[", what: "start the selection here", act: () => setSelectionEnd("start", cursorLineMs.value) },
  { keys: ["]"], name: "]", what: "end the selection here", act: () => setSelectionEnd("stop", cursorLineMs.value) },
  { keys: ["o", "O"], name: "O", what: "loop the selection", act: () => chooseLoop(!looping.value) },
  { keys: ["g", "G"], name: "G", what: "jump over gaps", act: () => (isSkippingGaps.value = !isSkippingGaps.value) },
  { keys: ["t", "T"], name: "T", what: "the other clock", act: () => runAction(switchTimebase(otherTimebase(timebase.value))) },
  {
    keys: ["k", "K"],
    name: "K",
    what: "the links that feed the archive",
    act: () => (linksOpen.value = !linksOpen.value),
  },
  { keys: ["Ctrl+k"], name: "Ctrl K", what: "find an entity, a field, a command, an action", act: openFinder },
  { keys: ["f", "F"], name: "F", what: "search the archive", act: () => (searchOpen.value = !searchOpen.value) },
  { keys: ["n", "N"], name: "N", what: "next match of the search", act: () => stepMatch("next") },
  { keys: ["p", "P"], name: "P", what: "previous match", act: () => stepMatch("previous") },
  // The tree handles this key itself, because its panel may have to be shown first.
  { keys: [], name: "/", what: "search the entities", act: () => undefined },
  { keys: ["?"], name: "?", what: "this help: keys, and words", act: () => (helpOpen.value = !helpOpen.value) },
  { keys: ["Escape"], name: "Esc", what: "close, restore a maximised panel, or clear the selection", act: escape },
];

/** The shortcut of a key; undefined if it has none, or the user is typing. */
export function shortcutOf(event: KeyboardEvent): Shortcut | undefined {
  if (event.defaultPrevented || event.altKey) return undefined;
  if (event.ctrlKey || event.metaKey) return SHORTCUTS.find((one) => one.keys.includes(`Ctrl+${event.key.toLowerCase()}`));
  if (isConsumedBy(event.target as HTMLElement, event.key)) return undefined;
  const arrow = event.shiftKey && event.key.startsWith("Arrow");
  const key = arrow ? `Shift+${event.key}` : event.key;
  return SHORTCUTS.find((one) => one.keys.includes(key));
}

/** Focused widgets and text fields consume the keys that operate them. */
function isConsumedBy(target: HTMLElement, key: string): boolean {
  if (target.matches("input, select, textarea") && target.matches(":focus-visible")) return key !== "Escape";
  if (key === " ") return target.matches("button:focus-visible, a:focus-visible, summary:focus-visible");
  return MOVING.test(key) && target.closest(MOVED) !== null;
}

function jump(direction: 1 | -1): void {
  goTo(toFineMs(cursor.value) + direction * JUMP_SHARE * spanLength(visible.value));
}

function goTo(ms: number | undefined): void {
  if (ms !== undefined) seek(fromFineMs(ms));
}

function escape(): void {
  if (helpOpen.value || linksOpen.value || searchOpen.value) {
    helpOpen.value = false;
    linksOpen.value = false;
    searchOpen.value = false;
  } else if (maximised.value !== undefined) {
    maximise(null);
  } else if (selection.value !== null) {
    setSelection(null);
  }
}
