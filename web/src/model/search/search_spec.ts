/** What is searched for: a condition of a field, or a text in events; and whether that can be searched. */

import type { Filters, Find } from "../../api/protocol";
import type { SeriesName } from "../../api/series";
import { entityName } from "../entities/entity_names";
import type { Entity } from "../values/event";

export type Comparison = Find["condition"];

/** The conditions, as people read them. */
export const COMPARISONS: Readonly<Record<Comparison, string>> = {
  above: "is above",
  atLeast: "is at least",
  below: "is below",
  atMost: "is at most",
  equal: "is",
  notEqual: "is not",
  steady: "stays the same",
  change: "changes",
  gap: "has no value for more than",
};
/** What texts and booleans can be searched for: they are not ordered. */
const UNORDERED: readonly Comparison[] = ["equal", "notEqual", "steady", "change", "gap"];

export type FieldKind = "number" | "boolean" | "string";

/** Values are as they were typed. */
export interface FieldSpec {
  readonly kind: "field";
  readonly series: SeriesName;
  readonly field: string;
  readonly fieldKind: FieldKind;
  readonly comparison: Comparison;
  readonly value: string;
  /** Fewest values of a run; empty means one. */
  readonly samples: string;
  /** Its shortest duration, or that of a gap; empty means any. */
  readonly seconds: string;
}

/** Where a text is searched. */
export const SOURCES = { events: "events", chat: "chat", commands: "commands", telemetry: "telemetry" } as const;
export type TextSource = keyof typeof SOURCES;

export interface TextSpec {
  readonly kind: "text";
  readonly text: string;
  readonly sources: readonly TextSource[];
}

export type SearchSpec = FieldSpec | TextSpec;

export const TEXT_MAX_CHARS = 256;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const SAMPLES = /^[1-9]\d{0,8}$/;
const SECONDS_MAX = 1e10;
const NO_SEARCH = "A search is a text with its sources, or a field with its series, condition and value.";

/** Whether a comparison needs a value to compare with. */
export function hasValue(comparison: Comparison): boolean {
  return comparison !== "change" && comparison !== "gap" && comparison !== "steady";
}

/** Whether its matches are runs of values, which can be counted. */
export function hasSamples(comparison: Comparison): boolean {
  return comparison !== "change" && comparison !== "gap";
}

/** Whether its matches last, so that a duration can be asked for. */
export function hasDuration(comparison: Comparison): boolean {
  return comparison !== "change";
}

/** The comparisons of a field's values. */
export function comparisonsOf(kind: FieldKind): readonly Comparison[] {
  return kind === "number" ? (Object.keys(COMPARISONS) as Comparison[]) : UNORDERED;
}

/** Why this cannot be searched, in one sentence; undefined if it can. */
export function faultOf(spec: SearchSpec): string | undefined {
  return spec.kind === "text" ? textFault(spec) : fieldFault(spec);
}

function textFault({ text, sources }: TextSpec): string | undefined {
  if (text.trim() === "") return "Type the text to search for.";
  if (text.length > TEXT_MAX_CHARS) return `The text is too long: ${TEXT_MAX_CHARS} characters at most.`;
  if (sources.length === 0) return "Choose where to search: events, chat, commands or telemetry.";
  return undefined;
}

function fieldFault(spec: FieldSpec): string | undefined {
  if (spec.field === "") return "Choose a field of the entity.";
  if (!comparisonsOf(spec.fieldKind).includes(spec.comparison)) return `${spec.field} has no numbers: it cannot be “${COMPARISONS[spec.comparison]}”.`;
  if (hasValue(spec.comparison)) {
    const value = spec.value.trim();
    if (value === "") return `Type the value that ${spec.field} is compared with.`;
    if (spec.fieldKind === "number" && (!NUMBER.test(value) || !Number.isFinite(Number(value)))) return `“${value}” is no number, and ${spec.field} has numbers.`;
    if (spec.fieldKind === "boolean" && value !== "true" && value !== "false") return `${spec.field} is true or false, not “${value}”.`;
  }
  return samplesFault(spec) ?? secondsFault(spec);
}

function samplesFault({ comparison, samples, seconds }: FieldSpec): string | undefined {
  if (!hasSamples(comparison)) return undefined;
  if (samples.trim() !== "" && !SAMPLES.test(samples.trim())) return "The number of values is a whole number from 1 on.";
  const isAny = Number(samples.trim() || 1) < 2 && Number(seconds.trim() || 0) === 0;
  return comparison === "steady" && isAny ? "Type for how many seconds or values it stays the same." : undefined;
}

function secondsFault({ comparison, seconds }: FieldSpec): string | undefined {
  if (!hasDuration(comparison)) return undefined;
  const typed = seconds.trim();
  if (typed === "" && comparison !== "gap") return undefined;
  if (!NUMBER.test(typed) || Number(typed) < 0 || Number(typed) > SECONDS_MAX) return "The duration is a number of seconds, such as 30 or 0.5.";
  return comparison === "gap" && Number(typed) === 0 ? "Type the seconds that a gap is longer than." : undefined;
}

/** The members of the request for a field; it has no fault. */
export function findMembers(spec: FieldSpec): Omit<Find, "type"> {
  const { series, field, comparison } = spec;
  return {
    ...series,
    field,
    condition: comparison,
    ...(hasValue(comparison) ? { value: valueOf(spec) } : {}),
    ...(hasSamples(comparison) ? { minSamples: Number(spec.samples.trim() || 1) } : {}),
    ...(hasDuration(comparison) ? { minSeconds: Number(spec.seconds.trim() || 0) } : {}),
  };
}

function valueOf({ fieldKind, value }: FieldSpec): boolean | number | string {
  const typed = value.trim();
  if (fieldKind === "boolean") return typed === "true";
  return fieldKind === "number" ? Number(typed) : typed;
}

/** The filters of the requests for a text: one for each part of the archive, so that no other is read. */
export function textFilters({ sources }: TextSpec): Filters[] {
  const filters: Filters[] = [];
  if (sources.includes("events")) filters.push({ lanes: ["metadata"] });
  else if (sources.includes("chat")) filters.push({ lanes: ["metadata"], messageTypes: ["ChatMessage"] });
  if (sources.includes("commands")) filters.push({ lanes: ["command"] });
  if (sources.includes("telemetry")) filters.push({ lanes: ["ui", "parsed"] });
  return filters;
}

/** What is searched, in one line. */
export function specText(spec: SearchSpec): string {
  if (spec.kind === "text") return `“${spec.text.trim()}” in ${spec.sources.map((one) => SOURCES[one]).join(", ")}`;
  const { series, field, comparison, value } = spec;
  const words = [entityName(series as Entity), field, COMPARISONS[comparison]];
  if (hasValue(comparison)) words.push(value.trim());
  return `${words.join(" ")}${durationText(spec)}`;
}

function durationText({ comparison, samples, seconds }: FieldSpec): string {
  if (comparison === "gap") return ` ${seconds.trim()} s`;
  const parts = [];
  if (hasSamples(comparison) && Number(samples.trim() || 1) > 1) parts.push(`${samples.trim()} values`);
  if (hasDuration(comparison) && Number(seconds.trim() || 0) > 0) parts.push(`${seconds.trim()} s`);
  return parts.length === 0 ? "" : ` for ${parts.join(" and ")}`;
}

/** A search that was stored; undefined if it is none, or has a fault. */
export function specOf(value: unknown): SearchSpec | undefined {
  const found = readSpec(value);
  return typeof found === "string" ? undefined : found;
}

/** A search that is in a link, or why it cannot be searched, in one sentence. */
export function readSpec(value: unknown): SearchSpec | string {
  const of = typeof value === "object" && value !== null ? value : {};
  const found = (of as { kind?: unknown }).kind === "text" ? textSpecOf(of) : fieldSpecOf(of);
  return found === undefined ? NO_SEARCH : (faultOf(found) ?? found);
}

function textSpecOf(value: object): TextSpec | undefined {
  const { text, sources } = value as Record<string, unknown>;
  if (typeof text !== "string" || !Array.isArray(sources)) return undefined;
  const known = (Object.keys(SOURCES) as TextSource[]).filter((one) => sources.includes(one));
  return { kind: "text", text, sources: known };
}

function fieldSpecOf(value: object): FieldSpec | undefined {
  const of = value as Record<string, unknown>;
  const series = seriesOf(of["series"]);
  const texts = ["field", "value", "samples", "seconds"].map((name) => of[name]);
  if (of["kind"] !== "field" || series === undefined || !texts.every((one) => typeof one === "string")) return undefined;
  if (!Object.hasOwn(COMPARISONS, String(of["comparison"]))) return undefined;
  if (!["number", "boolean", "string"].includes(String(of["fieldKind"]))) return undefined;
  const [field, typed, samples, seconds] = texts as [string, string, string, string];
  return {
    kind: "field",
    series,
    field,
    fieldKind: of["fieldKind"] as FieldKind,
    comparison: of["comparison"] as Comparison,
    value: typed,
    samples,
    seconds,
  };
}

function seriesOf(value: unknown): SeriesName | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { scopeId, systemId, containerId, uniqueId, lane, messageType, viewId } = value as Record<string, unknown>;
  const ids = [scopeId, systemId, containerId, uniqueId, messageType];
  if (!ids.every((one) => typeof one === "string") || (lane !== "ui" && lane !== "parsed")) return undefined;
  const [scope, system, container, unique, type] = ids as [string, string, string, string, string];
  const view = typeof viewId === "string" && viewId !== "" ? { viewId } : {};
  return { scopeId: scope, systemId: system, containerId: container, uniqueId: unique, lane, messageType: type, ...view };
}
