import { beforeEach, describe, expect, it, vi } from "vitest";

interface Asked {
  startTime: string;
  stopTime: string;
  buckets: number;
  fields: readonly string[];
}

const NS_PER_MS = 1_000_000n;
/** Events of one series, one number each, by their time in ms. */
const world = vi.hoisted(() => ({ events: [] as [ms: number, value: number][], isBehind: false, asked: [] as unknown[] }));

/** Buckets as the Core chooses them: the narrowest power of two of ns, of which at most `buckets` + 1 cover the span. */
function replyTo({ startTime, stopTime, buckets, fields }: Asked) {
  const [start, stop] = [toNs(startTime), toNs(stopTime)];
  let level = 0n;
  while ((stop >> level) - (start >> level) > BigInt(buckets)) level += 1n;
  const first = start >> level;
  const total = Number((stop >> level) - first) + 1;
  const count = new Array<number>(total).fill(0);
  const none = () => new Array<number | null>(total).fill(null);
  const [min, max, mean] = [none(), none(), none()];
  for (const [ms, value] of world.events) {
    const at = Number(((BigInt(ms) * NS_PER_MS) >> level) - first);
    if (at < 0 || at >= total) continue;
    for (const [column, merge] of [[min, Math.min], [max, Math.max]] as const) column[at] = merge(column![at] ?? value, value);
    mean[at] = ((mean[at] ?? 0) * (count[at] ?? 0) + value) / ((count[at] ?? 0) + 1);
    count[at] = (count[at] ?? 0) + 1;
  }
  const startMs = (first << level) / NS_PER_MS;
  const rest = ((first << level) % NS_PER_MS).toString().padStart(6, "0");
  const text = new Date(Number(startMs)).toISOString().replace("Z", `${rest}Z`);
  const found = fields.map((field) => ({ field, count, min, max, mean }));
  return { startTime: text, bucketNs: Number(1n << level), timebase: "source", fields: found, behind: world.isBehind };
}

function toNs(time: string): bigint {
  const [, whole, digits = ""] = /^(.*?)(?:\.(\d+))?Z$/.exec(time) as unknown as [string, string, string?];
  return BigInt(Date.parse(`${whole}Z`)) * NS_PER_MS + BigInt(digits.padEnd(9, "0"));
}

vi.mock("../../../src/model/session/session", async () => {
  const { sessionOf } = await import("../session/fake_session");
  return sessionOf({
    request: (message: Asked) => {
      world.asked.push(message);
      return Promise.resolve(replyTo(message));
    },
  });
});

vi.useFakeTimers();
const { cursor, jumps, state } = await import("../../../src/model/clock/clock");
const { recoveries } = await import("../../../src/model/session/session");
const { appendEvents } = await import("../../../src/model/plots/sampling");
const { sampleFields, WHOLE_INTERVAL_MS } = await import("../../../src/model/plots/sampled");
const { fromFineMs } = await import("../../../src/model/values/time");
type Sampled = Awaited<ReturnType<typeof sampleFields>>;

const SERIES = {
  scopeId: "s", systemId: "bus", containerId: "eps", uniqueId: "battery", lane: "parsed", messageType: "Battery",
} as const;
const START_MS = Date.parse("2026-03-01T12:00:00Z");
const WHOLE = 900;

let known: Sampled | undefined;

async function sampleAt(ms: number, count = WHOLE): Promise<Sampled> {
  vi.setSystemTime(ms);
  cursor.value = fromFineMs(ms);
  known = await sampleFields(SERIES, ["volts"], { startMs: START_MS - 600_000, stopMs: START_MS + 60_000 }, count, () => known);
  return known;
}

function lastAsked(): Asked {
  return world.asked.at(-1) as Asked;
}

/** The buckets that a whole request would give now, by their times. */
function filled({ buckets: { startMs, bucketMs, fields } }: Sampled): unknown[] {
  const { count, min, max, mean } = fields[0] as (typeof fields)[0];
  return count.flatMap((one, at) => (one === 0 ? [] : [[Math.round(startMs + at * bucketMs), one, min[at], max[at], mean[at]]]));
}

describe("fields that are continued in LIVE", () => {
  beforeEach(async () => {
    Object.assign(world, { events: [], isBehind: false, asked: [] });
    for (let at = -550; at <= 0; at++) world.events.push([START_MS + at * 1_000 + 7, at]);
    state.value = "LIVE";
    known = undefined;
    await sampleAt(START_MS);
  });

  it.each([120, 333, 900, 1_500])("have the same values as if all of %i buckets were requested", async (count) => {
    known = undefined;
    await sampleAt(START_MS, count);
    for (let second = 1; second <= 20; second++) {
      world.events.push([START_MS + second * 1_000 - 400, second], [START_MS + second * 1_000 - 3_800, -second]);
      const found = await sampleAt(START_MS + second * 1_000, count);
      expect(lastAsked().buckets).toBeLessThan(count / 8);
      const continued = filled(found);
      const { span } = found;
      const whole = replyTo({ ...lastAsked(), startTime: fromFineMs(span.startMs), stopTime: cursor.value, buckets: count });
      expect(whole.bucketNs).toBe(found.buckets.bucketMs * 1e6);
      expect(continued).toEqual(filled({ ...found, buckets: wholeOf(whole) }));
    }
  });

  function wholeOf(reply: ReturnType<typeof replyTo>) {
    return { startMs: Number(toNs(reply.startTime)) / 1e6, bucketMs: reply.bucketNs / 1e6, fields: reply.fields };
  }

  it("are requested whole after a jump, after a lost connection, after some time, and for another number of buckets", async () => {
    await sampleAt(START_MS + 1_000);
    expect(lastAsked().buckets).toBeLessThan(WHOLE);
    jumps.value++;
    await sampleAt(START_MS + 2_000);
    expect(lastAsked().buckets).toBe(WHOLE);
    recoveries.emit();
    await sampleAt(START_MS + 3_000);
    expect(lastAsked().buckets).toBe(WHOLE);
    await sampleAt(START_MS + 4_000 + WHOLE_INTERVAL_MS);
    expect(lastAsked().buckets).toBe(WHOLE);
    await sampleAt(START_MS + 5_000 + WHOLE_INTERVAL_MS, 500);
    expect(lastAsked().buckets).toBe(500);
  });

  it("are requested whole while the sampler is behind, and when the clock does not follow the present", async () => {
    world.isBehind = true;
    await sampleAt(START_MS + 1_000);
    expect(lastAsked().buckets).toBe(WHOLE);
    world.isBehind = false;
    await sampleAt(START_MS + 2_000);
    expect(lastAsked().buckets).toBe(WHOLE);
    await sampleAt(START_MS + 3_000);
    expect(lastAsked().buckets).toBeLessThan(WHOLE);
    state.value = "PAUSED";
    await sampleAt(START_MS + 4_000);
    expect(lastAsked().buckets).toBe(WHOLE);
  });

  it("keep what was streamed behind the reply", async () => {
    const ms = START_MS + 30_000;
    const time = new Date(ms).toISOString();
    const event = { lane: "parsed", sourceTruthTime: time, canonicalTruthTime: time, payload: { volts: 9 } };
    expect(appendEvents(known!.buckets, known!.sampledUntil, [event as never], "source")).toBe(true);
    const found = await sampleAt(START_MS + 1_000);
    expect(lastAsked().buckets).toBeLessThan(WHOLE);
    expect(filled(found).at(-1)).toEqual([expect.closeTo(ms, -4), 1, 9, 9, 9]);
  });
});
