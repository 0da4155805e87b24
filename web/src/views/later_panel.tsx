/** The view of a kind of panel whose code is loaded when the first one is drawn. */

import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import type { PanelInstance, PanelOptions } from "../model/layout/layout";
import { later } from "../model/page/later";
import { Empty, LoadNotice, Pane } from "./Pane";

/** What the view of a panel gets: its options are checked by the schema of its kind. */
export interface PanelProps<Options = PanelOptions> {
  panel: PanelInstance;
  options: Options;
  /** Replace the options of this panel. */
  change: (options: Options) => void;
}

export type PanelView = ComponentType<PanelProps>;

/** The view that `fetchView` loads. */
export function laterPanel<Options>(fetchView: () => Promise<ComponentType<PanelProps<Options>>>): PanelView {
  const code = later(fetchView);
  return function LaterPanel(props: PanelProps) {
    useEffect(code.load, []);
    const View = code.code.value as PanelView | null;
    if (View !== null) return <View {...props} />;
    return (
      <Pane id={props.panel.id}>
        <LoadNotice text={code.trouble.value} />
        <Empty>Loading…</Empty>
      </Pane>
    );
  };
}
