import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { StreamFrame } from "../../../src/api/socket";
import type { Entity, StoredEvent } from "../../../src/model/values/event";

interface Asked {
  type: string;
  playbackRequestId?: string;
  time?: string;
  timelineMode?: string;
  startTime?: string;
}

// The session is replaced by the test.
const world = vi.hoisted(() => ({
  asked: [] as Asked[],
  answer: ((_: Asked) => Promise.resolve({})) as (message: Asked) => Promise<unknown>,
  stream: ((_: StreamFrame) => undefined) as (frame: StreamFrame) => void,
  open: (() => undefined) as () => void,
  recover: (() => undefined) as () => void,
  reconnects: 0,
}));

vi.mock("../../../src/model/session/session", async () => {
  const { signal } = await import("@preact/signals");
  return {
    connection: signal("open"),
    unansweredS: signal(0),
    checkAnswers: () => undefined,
    ANSWER_CHECK_INTERVAL_MS: 250,
    notice: signal(""),
    status: signal({ timebase: "source" }),
    keepStatus: () => Promise.resolve(),
    reconnect: () => world.reconnects++,
    streamFrames: { subscribe: (stream: (frame: StreamFrame) => void) => (world.stream = stream) },
    connections: { subscribe: (open: () => void) => (world.open = open) },
    recoveries: { subscribe: (ask: () => void) => (world.recover = ask) },
    request: (message: Asked) => {
      if (message.type === "links") return Promise.resolve({ links: [] });
      world.asked.push(message);
      return world.answer(message);
    },
  };
});

vi.stubGlobal("document", { hidden: false });
vi.stubGlobal("location", { hash: "" });
vi.stubGlobal("history", { state: null, replaceState: () => undefined });
vi.stubGlobal("addEventListener", () => undefined);

const { RequestError } = await import("../../../src/api/socket");
const { startApp } = await import("../../../src/model/page/app");
const { selectEntity } = await import("../../../src/model/entities/entities");
const { latest } = await import("../../../src/model/entities/latest");
const clock = await import("../../../src/model/clock/clock");

const GPS: Entity = { scopeId: "s", systemId: "a", containerId: "b", uniqueId: "gps" };

function update(time: string, latitude: number): StoredEvent {
  const times = { sourceTruthTime: time, canonicalTruthTime: time };
  const data = { latitude };
  return { eventId: time, lane: "ui", messageType: "UiUpdate", viewId: "gps", ...GPS, ...times, data };
}

function starts(): Asked[] {
  return world.asked.filter((message) => message.type === "startStream");
}

function playing(): string {
  return starts().at(-1)?.playbackRequestId ?? "";
}

function chunk(cursor: string, ...events: StoredEvent[]): void {
  world.stream({ type: "streamChunk", playbackRequestId: playing(), cursor, events });
  clock.flush();
}

function latitude(): unknown {
  return (latest.value.get("ui gps")?.["data"] as { latitude: number } | undefined)?.latitude;
}

async function pass(ms = 0): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

function second(count: number): string {
  return new Date(Date.UTC(2026, 0, 1) + count * 1000).toISOString();
}

describe("the app", () => {
  let known: StoredEvent[] = [];

  beforeAll(async () => {
    vi.useFakeTimers();
    world.answer = (message) =>
      Promise.resolve({ events: message.type === "latest" ? known : [], entities: [] });
    startApp();
    world.open();
    await pass();
    selectEntity(GPS);
    await pass();
  });
  afterAll(() => {
    vi.useRealTimers();
  });

  it("begins LIVE", () => {
    expect(clock.state.value).toBe("LIVE");
    expect(starts()).toHaveLength(1);
    expect(starts()[0]?.timelineMode).toBe("LIVE");
  });

  it("shows streamed values, and late ones never move them back", () => {
    chunk(second(10), update(second(9), 1));
    expect(latitude()).toBe(1);
    chunk(second(11), update(second(5), 2));
    expect(latitude()).toBe(1);
    chunk(second(12), update(second(9), 3));
    expect(latitude()).toBe(3);
  });

  it("ignores a reply that is older than the stream", async () => {
    known = [update(second(4), 4)];
    await pass(1000);
    expect(latitude()).toBe(3);
  });

  it("queries about once a second while the clock runs, not at each tick", async () => {
    clock.pause();
    clock.seek(second(20));
    clock.play();
    await pass();
    world.asked.length = 0;
    clock.chooseRate(2);
    for (let tick = 0; tick < 60; tick++) {
      chunk(second(20 + tick));
      await pass(50);
    }
    const questions = world.asked.filter((message) => message.type === "latest");
    expect(questions.length).toBeGreaterThanOrEqual(2);
    expect(questions.length).toBeLessThanOrEqual(4);
    expect(world.asked.filter((message) => message.type === "query").length).toBeLessThanOrEqual(4);
  });

  it("does not query again while a reply is pending", async () => {
    const answer = world.answer;
    world.answer = () => new Promise(() => undefined);
    world.asked.length = 0;
    await pass(10_000);
    expect(world.asked.filter((message) => message.type === "latest").length).toBeLessThanOrEqual(1);
    world.answer = answer;
  });

  it("queries the values as of a jump's target, and shows only those", async () => {
    clock.pause();
    await pass();
    known = [update(second(2), 22)];
    clock.seek(second(3));
    await pass();
    expect(world.asked.filter((message) => message.type === "latest").at(-1)?.time).toBe(second(3));
    expect(latitude()).toBe(22);
  });

  it("takes values from replies only while it plays backwards, because updates cannot be undone", async () => {
    clock.chooseDirection(true);
    clock.play();
    await pass();
    chunk(second(2), update(second(1), 99));
    expect(latitude()).toBe(22);
    clock.chooseDirection(false);
  });

  it("asks for entities and values at once when replies are to be had again, however long the failure took", async () => {
    const answer = world.answer;
    world.answer = () => new Promise((_, reject) => setTimeout(() => reject(new Error("no reply in time")), 20_000));
    await pass(30_000);
    world.answer = answer;
    await pass(20_000);
    world.asked.length = 0;
    world.recover();
    await pass();
    const asked = world.asked.map(({ type }) => type);
    expect(asked).toContain("discover");
    expect(asked).toContain("latest");
  });

  it("restarts a lost stream from the clock's time", async () => {
    clock.play();
    chunk(second(42));
    world.asked.length = 0;
    world.stream({ type: "streamCancelled", playbackRequestId: "another" });
    await pass(1500);
    expect(starts()).toHaveLength(0);
    clock.play();
    chunk(second(43));
    const before = starts().length;
    world.stream({ type: "streamCancelled", playbackRequestId: playing() });
    clock.flush();
    expect(clock.state.value).toBe("PLAYING");
    await pass(1500);
    expect(starts()).toHaveLength(before + 1);
    expect(starts().at(-1)?.startTime).toBe(second(43));
  });

  it("retries while the Core is away, and continues when it is back", async () => {
    const answer = world.answer;
    clock.goLive();
    await pass();
    world.answer = () => Promise.reject(new RequestError("coreUnavailable", "away"));
    world.stream({ type: "streamCancelled", playbackRequestId: playing() });
    await pass(5000);
    expect(clock.state.value).toBe("LIVE");
    world.answer = answer;
    await pass(1500);
    chunk(second(100), update(second(100), 100));
    expect(clock.cursor.value).toBe(second(100));
    expect(latitude()).toBe(100);
  });

  it("reports a silent stream until the next frame", async () => {
    chunk(second(101));
    await pass(2000);
    expect(clock.isSilent.value).toBe(false);
    await pass(3000);
    expect(clock.isSilent.value).toBe(true);
    chunk(second(102));
    expect(clock.isSilent.value).toBe(false);
    clock.pause();
    await pass(10_000);
    expect(clock.isSilent.value).toBe(false);
  });

  it("pauses when a stream is refused, and reconnects when stream ids are used up", async () => {
    const answer = world.answer;
    world.asked.length = 0;
    world.answer = () => Promise.reject(new RequestError("badRange", "no such range"));
    clock.play();
    await pass();
    expect(clock.state.value).toBe("PAUSED");
    // Remaining frames of the previous stream are not wanted, and the server learns the clock's time.
    expect(world.asked.map(({ type }) => type)).toContain("cancelStream");
    expect(world.asked.map(({ type }) => type)).toContain("setCursor");
    world.answer = () => Promise.reject(new RequestError("tooManyStreams", "open a new one"));
    clock.play();
    await pass();
    expect(world.reconnects).toBe(1);
    expect(clock.state.value).toBe("PLAYING");
    world.answer = answer;
    world.open();
    await pass();
    expect(starts().at(-1)?.timelineMode).toBe("REPLAY");
    clock.pause();
  });
});
