/** Names of NOVA as identifiers of Open MCT, whose keys appear in addresses. */

import type { SampledLane, SeriesName } from "../../src/api/series";
import type { DomainObject, Identifier } from "./openmct";

export const NAMESPACE = "nova";
export const POINT_TYPE = "nova.point";

/** A field of a series. */
export interface Point {
  readonly series: SeriesName;
  readonly field: string;
}

const ROOT = "root";
const FIELD = "field";
/** How many names the key of a field has. */
const FIELD_NAMES = 8;
const BETWEEN = "~";

/** The key of a folder: the names of the scope, system, container and entity that it is of. */
export function folderKey(names: readonly string[]): string {
  return [ROOT, ...names.map(escaped)].join(BETWEEN);
}

/** The names of a folder; undefined if the key is of none. */
export function folderNames(key: string): string[] | undefined {
  const [kind, ...names] = key.split(BETWEEN);
  return kind === ROOT && names.length <= 4 ? names.map(plain) : undefined;
}

export function pointKey({ series, field }: Point): string {
  const { scopeId, systemId, containerId, uniqueId, lane, messageType, viewId } = series;
  const names = [scopeId, systemId, containerId, uniqueId, lane, messageType, viewId ?? "", field];
  return [FIELD, ...names.map(escaped)].join(BETWEEN);
}

/** The field of a key; undefined if it is of none. */
export function pointOf(key: string): Point | undefined {
  const [kind, ...texts] = key.split(BETWEEN);
  const [scopeId, systemId, containerId, uniqueId, lane, messageType, viewId, field] = texts.map(plain) as string[];
  if (kind !== FIELD || texts.length !== FIELD_NAMES || (lane !== "ui" && lane !== "parsed")) return undefined;
  const view = viewId ? { viewId } : {};
  const series = { scopeId, systemId, containerId, uniqueId, lane: lane as SampledLane, messageType, ...view };
  return { series: series as SeriesName, field: field as string };
}

export function identifierOf(key: string): Identifier {
  return { namespace: NAMESPACE, key };
}

/** Whether an object is a field of NOVA. */
export function isPoint(object: DomainObject): boolean {
  return object.identifier.namespace === NAMESPACE && object.type === POINT_TYPE;
}

/** The field of an object of the type `nova.point`. */
export function pointOfObject(object: DomainObject): Point {
  const found = pointOf(object.identifier.key);
  if (found === undefined) throw new Error(`${object.identifier.key} names no field`);
  return found;
}

/** Letters, digits, `_` and `-` stand for themselves, any other character is `.HEX.`. */
function escaped(name: string): string {
  return name.replace(/[^A-Za-z0-9_-]/gu, (char) => `.${(char.codePointAt(0) as number).toString(16)}.`);
}

function plain(text: string): string {
  return text.replace(/\.([0-9a-f]+)\./g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)));
}
