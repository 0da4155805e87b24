/** A display: named pages of panels. */

import type { LayoutColumn, PanelInstance, PanelLayout } from "../layout/layout";

export interface DisplayPage extends PanelLayout {
  name: string;
}

export interface Display {
  version: 1;
  name: string;
  pages: readonly DisplayPage[];
}

export const PAGES_MAX = 20;
export const NAME_MAX_CHARS = 80;

/** The display with one page in another layout. */
export function pageChanged(display: Display, page: number, by: (layout: PanelLayout) => PanelLayout): Display {
  const pages = display.pages.map((one, at) => (at === page ? { ...one, ...by(one) } : one));
  return { ...display, pages };
}

/** The display with an empty page behind the others. */
export function pageAdded(display: Display): Display {
  if (display.pages.length >= PAGES_MAX) return display;
  const names = new Set(display.pages.map(({ name }) => name));
  let number = display.pages.length + 1;
  while (names.has(`Page ${number}`)) number++;
  return { ...display, pages: [...display.pages, { name: `Page ${number}`, columns: [], hidden: [] }] };
}

/** The display with another name of a page; unchanged if the name is empty. */
export function pageRenamed(display: Display, page: number, name: string): Display {
  const trimmed = name.trim().slice(0, NAME_MAX_CHARS);
  if (trimmed === "") return display;
  return { ...display, pages: display.pages.map((one, at) => (at === page ? { ...one, name: trimmed } : one)) };
}

/** The display without a page; the last one stays. */
export function pageRemoved(display: Display, page: number): Display {
  if (display.pages.length === 1) return display;
  return { ...display, pages: display.pages.filter((_, at) => at !== page) };
}

/** The layout of a NOVA whose users and operators have chosen nothing. */
export const BUILT_IN: PanelLayout = {
  columns: [
    column(19, [placed("entities", 1.2), placed("values", 1)]),
    column(30, [placed("shields", 0.9), placed("alarms", 0.9), placed("cards", 1.2)]),
    column(25, [placed("commands", 0.9), placed("inspector", 1.1)]),
    column(26, [placed("plots", 1), placed("track", 0.85), placed("chat", 0.65)]),
  ],
  hidden: [],
};

/** A display of one page. */
export function onePage(name: string, layout: PanelLayout): Display {
  return { version: 1, name, pages: [{ name: "Page 1", ...layout }] };
}

function column(share: number, panels: LayoutColumn["panels"]): LayoutColumn {
  return { share, panels };
}

function placed(kind: string, share: number): PanelInstance & { share: number } {
  return { id: kind, kind, share };
}
