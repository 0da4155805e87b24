/** One panel: the view of its kind, or what is wrong with it. */

import type { PanelInstance } from "../model/layout/layout";
import { setOptions } from "../model/layout/layout_store";
import { Empty, Pane } from "./Pane";
import { VIEWS } from "./panes";

export function PanelView({ panel }: { panel: PanelInstance }) {
  const View = VIEWS[panel.kind];
  if (panel.trouble !== undefined || View === undefined) return <BrokenPanel panel={panel} />;
  return <View panel={panel} options={panel.options ?? {}} change={(options) => setOptions(panel.id, options)} />;
}

/** A panel that this NOVA cannot draw; what it holds is kept. */
function BrokenPanel({ panel }: { panel: PanelInstance }) {
  return (
    <Pane id={panel.id}>
      <Empty testid="panel-broken">{panel.trouble ?? `This NOVA has no panel of the kind “${panel.kind}”.`}</Empty>
    </Pane>
  );
}
