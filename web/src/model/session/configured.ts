/** Rules, definitions and notifications: what is in effect of the files that the instance reads. */

import type { ConfiguredFiles, ConfiguredPart } from "../../api/protocol";
import { formatAge, toMs } from "../values/time";
import type { Health } from "./links";

const HEALTHS: Readonly<Record<string, Health>> = {
  running: "good",
  sent: "good",
  idle: "good",
  slow: "warn",
  retrying: "warn",
  unknown: "warn",
};

const WHATS = {
  rules: ["alarm rule", "alarm rules"],
  definitions: ["definition", "definitions"],
  notifications: ["route of notifications", "routes of notifications"],
} as const;

/** How many are in effect. */
export function inEffectText({ kind, inEffect = 0 }: ConfiguredFiles): string {
  const [one, several] = WHATS[kind];
  return `${inEffect.toLocaleString("en")} ${inEffect === 1 ? one : several} in effect`;
}

/** The worst of the faults of files and of the states of definitions or routes. */
export function filesHealth(files: ConfiguredFiles): Health {
  const found = new Set((files.parts ?? []).map(partHealth));
  if (found.has("bad")) return "bad";
  return found.has("warn") || (files.faults ?? []).length > 0 ? "warn" : "good";
}

/** The health of a definition or route; an unknown state is none that is good. */
export function partHealth(part: ConfiguredPart): Health {
  return HEALTHS[part.state] ?? "bad";
}

/** The state of a definition or route, and its last outcome. */
export function partText(part: ConfiguredPart, nowMs: number): string {
  const last = part.time ? `last ${formatAge(nowMs - toMs(part.time))} ago` : undefined;
  const slow = part.slowestS ? `takes up to ${part.slowestS} s` : undefined;
  const behind = part.behindS ? `${Math.round(part.behindS)} s behind` : undefined;
  return [part.state, last, part.reason, slow, behind].filter(Boolean).join(", ");
}

/** Those in trouble first; the order of the others stays. */
export function troubledFirst(parts: readonly ConfiguredPart[]): ConfiguredPart[] {
  const ranks: Readonly<Record<Health, number>> = { bad: 0, warn: 1, good: 2 };
  return [...parts].sort((one, other) => ranks[partHealth(one)] - ranks[partHealth(other)]);
}
