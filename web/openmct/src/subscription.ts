/** The values of a field as they are received. */

import type { Catalog } from "./catalog";
import { fieldOf } from "./history";
import { isPoint, pointOfObject } from "./identifiers";
import type { LiveSocket } from "./live_socket";
import type { Datum, DomainObject, TelemetryProvider } from "./openmct";
import { datumOf } from "./point_values";

export function subscription(catalog: Catalog, live: LiveSocket): TelemetryProvider {
  return {
    supportsSubscribe: isPoint,
    subscribe: (object: DomainObject, callback: (datum: Datum) => void) => {
      const point = pointOfObject(object);
      const known = fieldOf(catalog, point);
      return live.watch(point.series, (event) => {
        void known.then((field) => {
          const datum = field === undefined ? undefined : datumOf(event, field);
          if (datum !== undefined) callback(datum);
        });
      });
    },
  };
}
