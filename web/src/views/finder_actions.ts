/** The actions that the finder offers: those that have keys, and those of the header and its dialogs. */

import { hasUnsaved, openDisplays } from "../model/displays/display_dialog";
import { resetDisplay } from "../model/displays/open_display";
import { displays, openDisplay } from "../model/displays/stored_displays";
import { openExport } from "../model/exports/export_status";
import type { FinderItem } from "../model/finder/finder_items";
import { switchTheme, theme } from "../model/page/theme";
import { newPlot } from "../model/plots/plots";
import { accountOpen } from "../model/session/account";
import { logout, role } from "../model/session/session";
import { copyViewLink } from "./copy_link";
import { SHORTCUTS } from "./shortcuts";

/** Keys that the finder itself has, or that mean nothing in a list. */
const LEFT_OUT = new Set(["Esc", "Ctrl K"]);

export function finderActions(): readonly FinderItem[] {
  const keyed = SHORTCUTS.filter(({ name, keys }) => keys.length > 0 && !LEFT_OUT.has(name));
  return [
    ...keyed.map(({ name, what, act }) => ({ ...item(what, "", act), keys: name })),
    item("copy a link to this view", "share", copyViewLink),
    item("export events", "files, download", () => openExport()),
    item("new plot", "", () => newPlot()),
    item("displays", "layouts, pages, panels, save, share", openDisplays),
    ...displays.value.map(({ name, displayId }) => ({ ...item(`open the display ${name}`, "layout", () => (hasUnsaved() ? openDisplays() : void openDisplay(displayId))), key: `display ${displayId}` })),
    item("reset the display", "layout, panels", resetDisplay),
    item(`${theme.value === "dark" ? "light" : "dark"} colours`, "theme, settings", switchTheme),
    item("your account", "password, settings", () => (accountOpen.value = true)),
    ...(role.value === "admin" ? [item("manage users, API keys and the audit trail", "admin page, settings", () => location.assign("/admin"))] : []),
    item("log out", "", () => logout()),
  ];
}

function item(name: string, detail: string, act: () => void): FinderItem {
  return { key: `action ${name}`, group: "Actions", name, detail, act };
}
