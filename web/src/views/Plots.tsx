/** The plots, one above the other, and the buttons that add to them. */

import { signal } from "@preact/signals";
import { plotError } from "../model/plots/plot_data";
import { newPlot, plots } from "../model/plots/plots";
import { FieldPicker } from "./FieldPicker";
import { Empty, ErrorNotice, Pane } from "./Pane";
import { Plot } from "./Plot";

const picking = signal(false);

export function Plots() {
  return (
    <Pane
      id="plots"
      tools={
        <>
          <button
            type="button"
            aria-expanded={picking.value}
            data-testid="add-field"
            onClick={() => (picking.value = !picking.value)}
          >
            Add field
          </button>
          <button type="button" data-testid="new-plot" onClick={newPlot}>
            New plot
          </button>
        </>
      }
    >
      {picking.value && <FieldPicker close={() => (picking.value = false)} />}
      <ErrorNotice text={plotError.value} />
      {plots.value.length === 0 ? (
        <Empty testid="plots-empty">
          No plots yet. Press <span class="key">∿</span> beside a number in Latest values, or choose “Add field”.
        </Empty>
      ) : (
        <div class="plots" tabIndex={0} role="region" aria-label="Plots">
          {plots.value.map((plot) => (
            <Plot key={plot.id} spec={plot} />
          ))}
        </div>
      )}
    </Pane>
  );
}
