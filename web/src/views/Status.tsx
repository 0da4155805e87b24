/** Status signs: each has its own shape, because colours alone are not accessible. */

import type { Verdict } from "../model/alarms/limits";

const STATUS_TEXTS = { ok: "in limits", warning: "warning", critical: "critical", none: "no limits" } as const;

export function Status({ verdict, acknowledged = false }: { verdict: Verdict; acknowledged?: boolean }) {
  const kind = verdict ?? "none";
  const words = acknowledged ? `${STATUS_TEXTS[kind]}, acknowledged` : STATUS_TEXTS[kind];
  return (
    <span class={`status ${kind} ${acknowledged ? "acknowledged" : ""}`} title={words}>
      <span class="sr-only">{words}</span>
    </span>
  );
}
