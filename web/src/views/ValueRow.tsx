/** One row of the latest values. */

import { Component } from "preact";
import type { Verdict } from "../model/alarms/card_alarms";
import { FieldGrip } from "./FieldGrip";

export interface ValueProps {
  path: string;
  text: string;
  unit: string;
  verdict: Verdict;
  title: string;
  isNumber: boolean;
  /** The event that changed the value; empty if the newest event did not change it. */
  changedBy: string;
  /** Undefined where the field cannot be plotted. */
  plotted: boolean | undefined;
  plot: () => void;
  drag: (event: PointerEvent) => void;
}

/** One row, redrawn only if its value changes: entities may have a thousand fields. */
export class ValueRow extends Component<ValueProps> {
  override shouldComponentUpdate(next: ValueProps): boolean {
    const { text, changedBy, plotted, unit, verdict, title } = this.props;
    const isSame = next.unit === unit && next.verdict === verdict && next.title === title && next.plotted === plotted;
    return !isSame || next.text !== text || next.changedBy !== changedBy;
  }

  override render({ path, text, unit, verdict, title, isNumber, changedBy, plotted, plot, drag }: ValueProps) {
    return (
      <tr data-testid="latest-row" data-key={path} data-verdict={verdict}>
        <th scope="row">
          <FieldGrip name={path} drag={plotted === undefined ? undefined : drag} />
          {plotted !== undefined && (
            <button
              type="button"
              class="icon"
              aria-disabled={plotted}
              aria-label={plotted ? `${path} is plotted` : `Plot ${path}`}
              title={plotted ? "plotted" : "Plot this field"}
              data-testid="plot-field"
              onClick={plot}
            >
              {plotted ? "✓" : "∿"}
            </button>
          )}
        </th>
        <td class={isNumber ? "number" : ""} title={title || undefined}>
          <span key={changedBy} class={`${changedBy === "" ? "" : "changed"} ${verdict ?? ""}`}>
            {text}
          </span>
          {unit !== "" && <span class="unit"> {unit}</span>}
          {(verdict === "warning" || verdict === "critical") && <span class="sr-only"> {verdict}</span>}
        </td>
      </tr>
    );
  }
}
