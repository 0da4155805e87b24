/** What the axes of a plot cannot show, below it. */

import { plotSeries } from "../model/plots/plot_data";
import { fieldUnit } from "../model/plots/plot_fields";
import type { PlotSpec } from "../model/plots/plot_spec";
import { axisNotes } from "../model/plots/plot_table";
import { visible } from "../model/timeline/span";

export function AxisNotes({ spec }: { spec: PlotSpec }) {
  const notes = axisNotes(spec, fieldUnit, plotSeries.value, visible.peek());
  return notes.length === 0 ? null : (
    <p class="muted" role="status" data-testid="axis-notes">
      {notes.join(" ")}
    </p>
  );
}
