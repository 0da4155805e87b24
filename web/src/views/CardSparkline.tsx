/** The sparkline of a number: over the visible span, up to the clock, with its limits. */

import { verdictOf } from "../model/alarms/card_alarms";
import { type Card, keySpec } from "../model/cards/card";
import { heightOf, type Sparkline, sparklineOf } from "../model/cards/sparkline";
import { sparklineDataOf } from "../model/cards/sparkline_data";
import { cursorMs, state } from "../model/clock/clock";
import { visible } from "../model/timeline/span";
import { orderTime } from "../model/values/event_order";
import { toFineMs } from "../model/values/time";

const WIDTH = 100;
const HEIGHT = 20;

export function CardSparkline({ card, name }: { card: Card; name: string }) {
  const trend = sparklineDataOf(card.id).value;
  if (trend === undefined) return <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true" />;
  const isLive = state.value === "LIVE";
  const line = sparklineOf(trend.buckets, name, visible.value, isLive ? Infinity : cursorMs.value, nowOf(card, name));
  return <Drawn card={card} name={name} line={line} />;
}

/** The shown value at the time that it was set: a bucket that ends later is not drawn. */
function nowOf(card: Card, name: string) {
  const cell = card.cells.get(name);
  if (cell === undefined || typeof cell.value !== "number") return undefined;
  return { ms: toFineMs(orderTime(cell.order)), value: cell.value };
}

function Drawn({ card, name, line }: { card: Card; name: string; line: Sparkline | undefined }) {
  const spec = keySpec(card, name);
  const limits = spec.limits;
  const marks = [limits?.warningLow, limits?.warningHigh, limits?.criticalLow, limits?.criticalHigh];
  const verdict = verdictOf(card, name);
  return (
    <svg
      class={`sparkline ${verdict ?? ""}`}
      viewBox={`0 -1 ${WIDTH} ${HEIGHT + 2}`}
      preserveAspectRatio="none"
      aria-hidden="true"
      data-testid="sparkline"
    >
      {line !== undefined && (
        <g transform={`scale(${WIDTH} ${HEIGHT})`}>
          {marks.map((limit) => {
            const y = limit == null ? undefined : heightOf(line, limit);
            return y === undefined ? null : <path key={limit} class="limit" d={`M0,${y}L1,${y}`} />;
          })}
          <path class="band" d={line.band} />
          <path class="trend-line" d={line.line} />
        </g>
      )}
    </svg>
  );
}
