/** The dialog with the title and options of a panel. */

import { signal } from "@preact/signals";
import { parseOptions } from "../panels/option_schema";
import { kindNamed } from "../panels/panel_kinds";
import { panelChanged, type PanelInstance, type PanelOptions } from "./layout";
import { changeLayout } from "./layout_store";

/** The panel whose settings are open. */
export const settingsOf = signal<PanelInstance | null>(null);

/** Apply a title and options; returns what is wrong with them, empty if they were applied. */
export function applySettings(panel: PanelInstance, title: string, draft: PanelOptions): string {
  try {
    const options = parseOptions(kindNamed(panel.kind)?.schema ?? {}, draft, "options");
    changeLayout((page) => panelChanged(page, panel.id, { title: title.trim() === "" ? undefined : title.trim(), options }));
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}
