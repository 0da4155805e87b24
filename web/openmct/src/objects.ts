/** The tree: a root for the NOVA, folders for scopes, systems, containers and entities, their fields. */

import type { EntityInfo } from "../../src/api/protocol";
import type { SeriesName } from "../../src/api/series";
import { sampledSeries } from "../../src/model/entities/sampled_series";
import type { Catalog } from "./catalog";
import { fieldOf } from "./history";
import { folderKey, folderNames, identifierOf, isPoint, NAMESPACE, type Point, POINT_TYPE, pointKey, pointOf } from "./identifiers";
import type { DomainObject, Identifier, OpenMct } from "./openmct";
import { valuesOf } from "./point_values";

const FOLDER_TYPE = "folder";
/** How many names an entity has; a folder of fewer has folders. */
const ENTITY_NAMES = 4;

export function addObjects(openmct: OpenMct, catalog: Catalog, name: string): void {
  openmct.types.addType(POINT_TYPE, { name: "NOVA field", description: "A field of telemetry.", cssClass: "icon-telemetry" });
  openmct.objects.addRoot(identifierOf(folderKey([])));
  openmct.objects.addProvider(NAMESPACE, { get: ({ key }) => objectOf(catalog, key, name) });
  openmct.composition.addProvider({
    appliesTo: (object) => object.identifier.namespace === NAMESPACE && !isPoint(object),
    load: (object) => childrenOf(catalog, object.identifier.key),
  });
}

/** The object of a key; rejects if it is of none. */
export async function objectOf(catalog: Catalog, key: string, rootName: string): Promise<DomainObject> {
  const names = folderNames(key);
  if (names !== undefined) {
    const location = names.length === 0 ? "ROOT" : parentOf(names.slice(0, -1));
    return { identifier: identifierOf(key), type: FOLDER_TYPE, name: names.at(-1) ?? rootName, location };
  }
  const point = pointOf(key);
  if (point === undefined) throw new Error(`NOVA has no object ${key}`);
  return pointObject(catalog, key, point);
}

async function pointObject(catalog: Catalog, key: string, point: Point): Promise<DomainObject> {
  const field = await fieldOf(catalog, point);
  if (field === undefined) throw new Error(`NOVA has no field ${point.field} of ${point.series.uniqueId}`);
  const { scopeId, systemId, containerId, uniqueId } = point.series;
  const entity = (await catalog.entities()).find(isOf([scopeId, systemId, containerId, uniqueId]));
  const name = field.spec.title ?? field.field;
  return {
    identifier: identifierOf(key),
    type: POINT_TYPE,
    name: entity !== undefined && sampledSeries(entity).length > 1 ? `${name} · ${seriesTitle(point.series)}` : name,
    location: parentOf([scopeId, systemId, containerId, uniqueId]),
    telemetry: { values: valuesOf(field) },
  };
}

/** What tells the series of one entity apart. */
function seriesTitle({ viewId, messageType }: SeriesName): string {
  return viewId ?? messageType;
}

/** The identifiers below a folder. */
export async function childrenOf(catalog: Catalog, key: string): Promise<Identifier[]> {
  const names = folderNames(key);
  if (names === undefined) return [];
  const inside = (await catalog.entities()).filter(isOf(names));
  if (names.length < ENTITY_NAMES) {
    const next = [...new Set(inside.map((one) => namesOf(one)[names.length] as string))].sort();
    return next.map((name) => identifierOf(folderKey([...names, name])));
  }
  const series = inside.flatMap(sampledSeries);
  const known = await Promise.all(series.map((one) => catalog.fields(one)));
  return series.flatMap((one, index) => (known[index]?.fields ?? []).map(({ field }) => identifierOf(pointKey({ series: one, field }))));
}

function parentOf(names: readonly string[]): string {
  return `${NAMESPACE}:${folderKey(names)}`;
}

function namesOf({ scopeId, systemId, containerId, uniqueId }: EntityInfo): string[] {
  return [scopeId, systemId, containerId, uniqueId];
}

/** Whether an entity is below a folder. */
function isOf(names: readonly string[]): (entity: EntityInfo) => boolean {
  return (entity) => names.every((name, index) => namesOf(entity)[index] === name);
}
