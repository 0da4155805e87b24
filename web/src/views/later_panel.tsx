/** The view of a kind of panel whose code is loaded when the first one is drawn. */

import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import type { PanelInstance, PanelOptions } from "../model/layout/layout";
import { untilFirstView } from "../model/page/first_view";
import { later } from "../model/page/later";
import { latePage } from "./late_page";
import { Empty, LoadNotice, Pane } from "./Pane";

/** What the view of a panel gets: its options are checked by the schema of its kind. */
export interface PanelProps<Options = PanelOptions> {
  panel: PanelInstance;
  options: Options;
  /** Replace the options of this panel. */
  change: (options: Options) => void;
}

export type PanelView = ComponentType<PanelProps>;

type LateView = "Shields" | "Cards" | "Plots" | "GroundTrack" | "Inspector" | "CommandPanel" | "AlarmPanel" | "Chat";

/** The view that `fetchView` loads. */
export function laterPanel<Options>(fetchView: () => Promise<ComponentType<PanelProps<Options>>>): PanelView {
  const code = later(fetchView);
  const load = () => void untilFirstView().then(code.load);
  return function LaterPanel(props: PanelProps) {
    useEffect(load, []);
    const View = code.code.value as PanelView | null;
    return View === null ? <Awaited panel={props.panel} trouble={code.trouble.value} /> : <View {...props} />;
  };
}

/** A view that is loaded with the rest of the page. */
export function latePanel(name: LateView): PanelView {
  return function LatePanel(props: PanelProps) {
    const View = latePage.code.value?.[name] as PanelView | undefined;
    return View === undefined ? <Awaited panel={props.panel} trouble="" /> : <View {...props} />;
  };
}

function Awaited({ panel, trouble }: { panel: PanelInstance; trouble: string }) {
  return (
    <Pane id={panel.id}>
      <LoadNotice text={trouble} />
      <Empty>Loading…</Empty>
    </Pane>
  );
}
