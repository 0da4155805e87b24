/** The density of the events that are loaded, as bars over their span. */

import { auditEvents } from "../../model/admin/audit";
import { AUDIT_BARS, auditDensity } from "../../model/admin/audit_density";
import { formatTime, fromMs } from "../../model/values/time";

const BAR = 10;
const HEIGHT = 40;
/** One event among thousands is still seen. */
const BAR_MIN = 3;

export function AuditTimeline() {
  const density = auditDensity(auditEvents.value ?? []);
  if (density === undefined) return null;
  const [from, to] = [density.startMs, density.stopMs].map((ms) => formatTime(fromMs(ms)).slice(0, 19));
  const text = `Events over time from ${from} to ${to}, at most ${density.most} in one bar`;
  return (
    <figure class="audit-timeline" data-testid="audit-timeline">
      <svg viewBox={`0 0 ${AUDIT_BARS * BAR} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={text}>
        {density.counts.map((count, bar) => {
          const height = count === 0 ? 0 : Math.max(BAR_MIN, (count / density.most) * HEIGHT);
          return <rect key={bar} x={bar * BAR + 1} y={HEIGHT - height} width={BAR - 2} height={height} />;
        })}
      </svg>
      <figcaption>
        <span>{from}</span>
        <span>
          {density.most === 1 ? "1 event" : `${density.most} events`} in the highest bar
        </span>
        <span>{to}</span>
      </figcaption>
    </figure>
  );
}
