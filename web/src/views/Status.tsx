/** Status signs: each has its own shape, because colours alone are not accessible. */

import type { AlarmInfo } from "../api/protocol";
import type { RuleSeverity } from "../model/alarms/alarm_list";
import { signOf, type Verdict } from "../model/alarms/card_alarms";

const STATUS_TEXTS = { ok: "in limits", warning: "warning", critical: "critical", stale: "stale: silent for longer than usual", none: "no limits, or not judged" } as const;

export function Status({ verdict, acknowledged = false }: { verdict: Verdict; acknowledged?: boolean }) {
  const kind = verdict ?? "none";
  const words = acknowledged ? `${STATUS_TEXTS[kind]}, acknowledged` : STATUS_TEXTS[kind];
  return (
    <span class={`status ${kind} ${acknowledged ? "acknowledged" : ""}`} title={words}>
      <span class="sr-only">{words}</span>
    </span>
  );
}

/** The sign of an alarm's severity: `watch` looks as a warning does, and `severe` as critical; the words differ. */
export function SeveritySign({ severity, isAcknowledged = false }: { severity: RuleSeverity | undefined; isAcknowledged?: boolean }) {
  const words = `${severity ?? "in limits"}${isAcknowledged ? ", acknowledged" : ""}`;
  return (
    <span class={`status ${signOf(severity)} ${isAcknowledged ? "acknowledged" : ""}`} title={words}>
      <span class="sr-only">{words}</span>
    </span>
  );
}

/** The sign of an alarm; a disabled one judges nothing, and one whose source is silent is not known to be in limits. */
export function AlarmSign({ alarm, isSilent = false }: { alarm: AlarmInfo; isSilent?: boolean }) {
  if (alarm.disabled === true) return <Status verdict={undefined} />;
  if (isSilent) return <Status verdict="stale" />;
  return <SeveritySign severity={alarm.severity ?? undefined} isAcknowledged={alarm.state === "acknowledged"} />;
}
