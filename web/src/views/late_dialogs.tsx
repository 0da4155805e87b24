/** Dialogs whose code is loaded when they are opened first. */

import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { displaysOpen } from "../model/displays/display_dialog";
import { settingsOf } from "../model/layout/panel_settings";
import { later } from "../model/page/later";
import { LoadNotice } from "./Pane";

export const LateDisplays = lateDialog(
  () => displaysOpen.value,
  () => import("./DisplaysDialog").then(({ DisplaysDialog }) => DisplaysDialog),
);
export const LatePanelSettings = lateDialog(
  () => settingsOf.value !== null,
  () => import("./PanelSettings").then(({ PanelSettings }) => PanelSettings),
);

function lateDialog(isOpen: () => boolean, fetchView: () => Promise<ComponentType>): ComponentType {
  const code = later(fetchView);
  return function LateDialog() {
    const open = isOpen();
    useEffect(() => {
      if (open) code.load();
    }, [open]);
    const View = code.code.value;
    if (!open) return null;
    return View === null ? <LoadNotice text={code.trouble.value} /> : <View />;
  };
}
