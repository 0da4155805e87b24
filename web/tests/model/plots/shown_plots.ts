/** A page with one panel of plots. */

import { onePage } from "../../../src/model/displays/display";
import { display } from "../../../src/model/displays/open_display";
import { activePlot, type PlotSpec } from "../../../src/model/plots/plots";

export function showPlots(plots: readonly PlotSpec[]): void {
  const panel = { id: "plots", kind: "plots", share: 1, options: { plots } };
  display.value = onePage("Plots", { columns: [{ share: 1, panels: [panel] }], hidden: [] });
  activePlot.value = null;
}
