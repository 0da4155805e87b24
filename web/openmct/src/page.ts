/** The page of `nova openmct`: Open MCT with NOVA in both time systems. */

import type { RecordingsResponse } from "../../src/api/protocol";
import { EdgeReads } from "./edge_reads";
import type { Bounds, MenuOption, OpenMct } from "./openmct";
import nova from "./plugin";
import { TIMES, type Timebase } from "./time_systems";

const SHOWN_MS = 15 * 60_000;
const AHEAD_MS = 30_000;

/** The last quarter of an hour of the newest recording; of now if there is none. */
async function boundsOf(reads: EdgeReads, timebase: Timebase): Promise<Bounds> {
  const { recordings } = await reads.read<RecordingsResponse>("recordings", { timebase, limit: 1 });
  const stopTime = recordings[0]?.stopTime;
  const end = stopTime === undefined ? Date.now() : Date.parse(stopTime) + 1;
  return { start: end - SHOWN_MS, end };
}

async function menuOptions(): Promise<MenuOption[]> {
  const reads = new EdgeReads(new URL("/", location.href).href);
  const bounds = await Promise.all(TIMES.map(({ key }) => boundsOf(reads, key)));
  const fixed = TIMES.map(({ key }, index) => ({ name: "Fixed", timeSystem: key, bounds: bounds[index] as Bounds }));
  const live = TIMES.map(({ key }) => ({ name: "Realtime", timeSystem: key, clock: "local", clockOffsets: { start: -SHOWN_MS, end: AHEAD_MS } }));
  return [...fixed, ...live];
}

/** Start Open MCT with NOVA, on the end of what there is. */
export async function start(openmct: OpenMct): Promise<void> {
  const { plugins } = openmct;
  openmct.setAssetPath("/lib/");
  // Open MCT begins at the last root, and those of low priority are last.
  const ownItems = plugins.MyItems("My Items", "", openmct.priority.HIGH);
  for (const plugin of [plugins.LocalStorage(), ownItems, plugins.Espresso(), plugins.UTCTimeSystem(), plugins.FaultManagement(), nova()]) {
    openmct.install(plugin);
  }
  const options = await menuOptions();
  openmct.install(plugins.Conductor({ menuOptions: options }));
  // The offsets of its clock have moved them. What the address says comes later.
  openmct.time.setBounds(options[0]?.bounds as Bounds);
  openmct.start();
}
