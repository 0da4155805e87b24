/** The plots, one above the other, and the buttons that add to them. */

import { useState } from "preact/hooks";
import { plotError, plotsBehind } from "../model/plots/plot_data";
import { activatePanel, isPlotWhole, newPlot, plotsOf } from "../model/plots/plots";
import "uplot/dist/uPlot.min.css";
import { FieldPicker } from "./FieldPicker";
import { Empty, ErrorNotice, Pane } from "./Pane";
import type { PanelProps } from "./later_panel";
import { Plot } from "./Plot";

export function Plots({ panel }: PanelProps) {
  const [picking, setPicking] = useState(false);
  const all = plotsOf(panel);
  const solo = all.find(({ id }) => isPlotWhole(id));
  const plots = solo === undefined ? all : [solo];
  return (
    <Pane
      id={panel.id}
      tools={
        <>
          <button
            type="button"
            aria-expanded={picking}
            data-testid="add-field"
            onClick={() => {
              activatePanel(panel.id);
              setPicking(!picking);
            }}
          >
            Add field
          </button>
          <button type="button" data-testid="new-plot" onClick={() => newPlot(panel.id)}>
            New plot
          </button>
        </>
      }
    >
      {picking && <FieldPicker close={() => setPicking(false)} />}
      <ErrorNotice text={plotError.value} />
      {plotsBehind.value && plots.length > 0 && (
        <p class="pane-trouble" role="status" data-testid="plots-behind">
          Samples are behind: the newest values may be missing. They are asked for again.
        </p>
      )}
      {plots.length === 0 ? (
        <Empty testid="plots-empty">
          No plots yet. Press <span class="key">∿</span> beside a number in Latest values, drag a number here, or choose “Add field”.
        </Empty>
      ) : (
        <div class="plots" tabIndex={0} role="region" aria-label="Plots">
          {plots.map((plot) => (
            <Plot key={plot.id} spec={plot} />
          ))}
        </div>
      )}
    </Pane>
  );
}
