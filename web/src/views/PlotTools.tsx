/** What can be done with a plot: its axes, statistics, copies of what is drawn, and the whole window for it. */

import { useState } from "preact/hooks";
import { maximise } from "../model/layout/layout_store";
import { copyText, saveText } from "../model/page/clipboard";
import { showToast } from "../model/page/toast";
import { plotSeries } from "../model/plots/plot_data";
import { plotUnits } from "../model/plots/plot_fields";
import { axisProblem, type AxisSpec } from "../model/plots/plot_spec";
import { csvOf } from "../model/plots/plot_table";
import { isPlotWhole, panelOfPlot, type PlotSpec, setAxis, soloPlot, toggleTable } from "../model/plots/plots";
import { visible } from "../model/timeline/span";

export function PlotTools({ spec }: { spec: PlotSpec }) {
  const [isOpen, setOpen] = useState(false);
  const isWhole = isPlotWhole(spec.id);
  const csv = () => csvOf(spec, plotSeries.value, visible.value);
  const copy = async () => showToast((await copyText(csv())) ? "The drawn values are copied." : "The browser denied access to the clipboard.");
  return (
    <div class="plot-tools" onKeyDown={(event) => event.key === "Escape" && isOpen && (event.stopPropagation(), setOpen(false))}>
      <button type="button" class="icon" aria-expanded={isOpen} title="Axes" aria-label="Axes" data-testid="plot-axes" onClick={() => setOpen(!isOpen)}>
        ⇕
      </button>
      <button
        type="button"
        class="icon"
        aria-pressed={spec.table === true}
        title="Statistics over the visible span"
        aria-label="Statistics"
        data-testid="plot-statistics-toggle"
        onClick={() => toggleTable(spec.id)}
      >
        Σ
      </button>
      <button type="button" class="icon" title="Copy the drawn values" aria-label="Copy the drawn values" data-testid="plot-copy" onClick={() => void copy()}>
        ❐
      </button>
      <button
        type="button"
        class="icon"
        title="Save the drawn values as CSV"
        aria-label="Save the drawn values as CSV"
        data-testid="plot-csv"
        onClick={() => saveText("nova-plot.csv", csv(), "text/csv")}
      >
        ⤓
      </button>
      <button
        type="button"
        class="icon"
        aria-pressed={isWhole}
        title={isWhole ? "Show all again" : "Maximise this plot"}
        aria-label="Maximise this plot"
        data-testid="plot-maximise"
        onClick={() => showWhole(spec, isWhole)}
      >
        ⤢
      </button>
      {isOpen && <Axes spec={spec} />}
    </div>
  );
}

/** A plot alone in its panel, and that alone on the page; or all as before. */
function showWhole(spec: PlotSpec, isWhole: boolean): void {
  soloPlot.value = isWhole ? null : spec.id;
  maximise(isWhole ? null : (panelOfPlot(spec.id) ?? null));
}

function Axes({ spec }: { spec: PlotSpec }) {
  return (
    <div class="plot-axes" role="group" aria-label="Axes of this plot" data-testid="plot-axes-form">
      {plotUnits(spec.fields).map((unit) => (
        <Axis key={unit} unit={unit} axis={spec.axes?.[unit] ?? {}} change={(axis) => setAxis(spec.id, unit, axis)} />
      ))}
    </div>
  );
}

interface AxisProps {
  unit: string;
  axis: AxisSpec;
  change: (axis: AxisSpec) => void;
}

function Axis({ unit, axis, change }: AxisProps) {
  const [problem, setProblem] = useState("");
  const name = unit === "" ? "without a unit" : unit;
  const apply = (next: AxisSpec) => {
    const found = axisProblem(next);
    setProblem(found);
    if (found === "") change(next);
  };
  const end = (which: "min" | "max", words: string) => (
    <input
      type="number"
      step="any"
      placeholder={words}
      aria-label={`${words} end of the axis ${name}`}
      data-testid={`axis-${which}`}
      value={axis[which] ?? ""}
      onChange={({ currentTarget }) => {
        const { [which]: _, ...others } = axis;
        // What the browser cannot read as a number has no text either.
        const isNone = currentTarget.value === "" && !currentTarget.validity.badInput;
        apply(isNone ? others : { ...others, [which]: currentTarget.valueAsNumber });
      }}
    />
  );
  return (
    <div class="plot-axis" data-testid="plot-axis" data-unit={unit}>
      <strong>{name}</strong>
      {end("min", "lower")}
      {end("max", "upper")}
      <label>
        <input
          type="checkbox"
          data-testid="axis-log"
          checked={axis.log === true}
          onChange={({ currentTarget }) => {
            const { log: _, ...others } = axis;
            apply(currentTarget.checked ? { ...others, log: true } : others);
          }}
        />
        log
      </label>
      {problem !== "" && (
        <span class="warning-text" role="alert">
          {problem}
        </span>
      )}
    </div>
  );
}
