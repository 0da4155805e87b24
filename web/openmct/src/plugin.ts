/** NOVA as a plugin of Open MCT: `openmct.install(nova())`. */

import { Catalog } from "./catalog";
import { EdgeReads } from "./edge_reads";
import { faults } from "./faults";
import { history } from "./history";
import { limits } from "./limits";
import { LiveSocket } from "./live_socket";
import { addObjects } from "./objects";
import type { OpenMct } from "./openmct";
import { staleness } from "./staleness";
import { subscription } from "./subscription";
import { addTimeSystems } from "./time_systems";

export interface NovaOptions {
  /** The name of the root. */
  name?: string;
  /** Where `api/v1` and `ws` of `nova openmct` are; the page's own site by default. */
  url?: string;
}

export default function nova({ name = "NOVA", url = "/" }: NovaOptions = {}): (openmct: OpenMct) => void {
  return (openmct) => {
    const base = new URL(url, location.href);
    const reads = new EdgeReads(base.href);
    const catalog = new Catalog(reads);
    const live = new LiveSocket(new URL("ws", base).href.replace(/^http/, "ws"));
    addTimeSystems(openmct);
    addObjects(openmct, catalog, name);
    for (const provider of [history(reads, catalog), subscription(catalog, live), limits(catalog), staleness(reads, catalog, live)]) {
      openmct.telemetry.addProvider(provider);
    }
    openmct.faults.addProvider(faults(reads, live));
  };
}
