import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type ConnectionState, RequestError, Socket, type StreamFrame } from "../../src/api/socket";

/** The browser's side of a connection; the test is the other side. */
class Wire {
  static readonly OPEN = 1;
  static made: Wire[] = [];
  readyState = 0;
  sent: Record<string, unknown>[] = [];
  onopen: () => void = () => undefined;
  onmessage: (event: { data: string }) => void = () => undefined;
  onclose: (event: { code: number }) => void = () => undefined;

  constructor(readonly url: string) {
    Wire.made.push(this);
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }

  close(): void {
    this.end(1000);
  }

  open(): void {
    this.readyState = Wire.OPEN;
    this.onopen();
  }

  say(frame: object): void {
    this.onmessage({ data: JSON.stringify(frame) });
  }

  end(code: number): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.onclose({ code });
  }
}

const states: ConnectionState[] = [];
const frames: StreamFrame[] = [];
let exports: object[] = [];
let alarms: object[] = [];
let beats: object[] = [];
let welcomes: object[] = [];
const errors: RequestError[] = [];

async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}

function wire(): Wire {
  const last = Wire.made.at(-1);
  if (last === undefined) throw new Error("nothing was opened");
  return last;
}

async function opened(): Promise<Socket> {
  const socket = new Socket("ws://nova/ws", "the-token", {
    connection: (state) => states.push(state),
    stream: (frame) => frames.push(frame),
    error: (error) => errors.push(error),
    exporting: (frame) => exports.push(frame),
    alarms: (frame) => alarms.push(frame),
    status: (frame) => beats.push(frame),
    welcome: (reply) => welcomes.push(reply),
  });
  wire().open();
  wire().say({ type: "authenticated", ref: 1, user: "a", role: "admin", expiresAt: "" });
  await settle();
  return socket;
}

describe("socket", () => {
  it("retries with increasing delay when the server answers busy", async () => {
    const socket = await opened();
    const asked = socket.request({ type: "extent" }, "extentResponse");
    for (let tries = 0; tries < 3; tries++) {
      const ref = wire().sent.at(-1)?.["ref"];
      const count = wire().sent.length;
      wire().say({ type: "error", ref, code: "busy", message: "", retryAfterMs: 1_000 });
      await vi.advanceTimersByTimeAsync(740);
      expect(wire().sent.length).toBe(count);
      await vi.advanceTimersByTimeAsync(2_000);
      expect(wire().sent.length).toBe(count + 1);
    }
    const ref = wire().sent.at(-1)?.["ref"];
    wire().say({ type: "extentResponse", ref, timebase: "source", events: 3 });
    await expect(asked).resolves.toMatchObject({ events: 3 });
  });

  it("rejects with busy when the server stays busy for too long", async () => {
    const socket = await opened();
    const asked = socket.request({ type: "extent" }, "extentResponse");
    const refused = expect(asked).rejects.toMatchObject({ code: "busy" });
    for (let tries = 0; tries < 7; tries++) {
      const count = wire().sent.length;
      wire().say({ type: "error", ref: wire().sent.at(-1)?.["ref"], code: "busy", message: "", retryAfterMs: 100 });
      for (let s = 0; s < 30 && wire().sent.length === count; s++) await vi.advanceTimersByTimeAsync(1_000);
    }
    await refused;
    expect(wire().sent.filter((one) => one["type"] === "extent").length).toBe(7);
  });

  it("takes a silence for one although nothing is asked, once the Core has sent its state by itself", async () => {
    beats = [];
    const socket = await opened();
    await vi.advanceTimersByTimeAsync(9_000);
    expect(socket.unansweredMs(), "nothing is expected").toBe(0);
    wire().say({ type: "statusUpdate", events: 3 });
    expect(beats).toEqual([{ type: "statusUpdate", events: 3 }]);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(socket.unansweredMs()).toBe(4_000);
    wire().say({ type: "error", code: "coreUnavailable", message: "" });
    await vi.advanceTimersByTimeAsync(4_000);
    expect(socket.unansweredMs(), "an edge without a Core sends nothing by itself").toBe(0);
  });

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("WebSocket", Wire);
    Wire.made = [];
    for (const list of [states, frames, errors]) list.length = 0;
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("says for how long a server answers nothing, and not while nothing is expected", async () => {
    const socket = await opened();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(socket.unansweredMs()).toBe(0);
    socket.request({ type: "extent" }, "extentResponse").catch(() => undefined);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(socket.unansweredMs()).toBe(4_000);
    wire().say({ type: "streamChunk", playbackRequestId: "a", cursor: "", events: [] });
    expect(socket.unansweredMs()).toBe(0);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(socket.unansweredMs()).toBe(30_000); // The request has timed out, and nothing came since.
    wire().end(1006);
    expect(socket.unansweredMs()).toBe(0);
    await vi.advanceTimersByTimeAsync(5_000); // It connects again, and is not admitted.
    expect(socket.unansweredMs()).toBeGreaterThan(4_000);
    socket.close();
  });

  it("sends its token first, and never in the URL", async () => {
    await opened();
    expect(wire().sent[0]).toEqual({ type: "auth", token: "the-token", ref: 1 });
    expect(wire().url).not.toContain("token");
    expect(states).toEqual(["connecting", "open"]);
  });

  it("matches replies to requests by ref, in any order", async () => {
    const socket = await opened();
    const first = socket.request({ type: "status" }, "statusResponse");
    const second = socket.request({ type: "discover" }, "discoverResponse");
    wire().say({ type: "discoverResponse", ref: 3, time: "t", entities: [] });
    wire().say({ type: "error", ref: 2, code: "archive", message: "no" });
    expect(await second).toMatchObject({ time: "t" });
    await expect(first).rejects.toMatchObject({ code: "archive", message: "no" });
  });

  it("rejects a reply of another type", async () => {
    const socket = await opened();
    const asked = socket.request({ type: "status" }, "statusResponse");
    wire().say({ type: "latestResponse", ref: 2, time: "t", events: [] });
    await expect(asked).rejects.toMatchObject({ code: "badReply" });
  });

  it("rejects when no reply arrives in time", async () => {
    const socket = await opened();
    const asked = socket.request({ type: "status" }, "statusResponse");
    const refused = expect(asked).rejects.toMatchObject({ code: "timeout" });
    await vi.advanceTimersByTimeAsync(60_000);
    await refused;
  });

  it("rejects all pending requests when the Core goes away", async () => {
    const socket = await opened();
    const asked = socket.request({ type: "status" }, "statusResponse");
    wire().say({ type: "error", code: "coreUnavailable", message: "away" });
    await expect(asked).rejects.toMatchObject({ code: "coreUnavailable" });
    expect(errors.map((error) => error.code)).toEqual(["coreUnavailable"]);
    expect(states).toEqual(["connecting", "open"]);
  });

  it("passes on stream frames and a cancel that was not requested", async () => {
    await opened();
    wire().say({ type: "streamChunk", playbackRequestId: "a", cursor: "t", events: [] });
    wire().say({ type: "streamCancelled", playbackRequestId: "a" });
    expect(frames.map((frame) => frame.type)).toEqual(["streamChunk", "streamCancelled"]);
  });

  it("reconnects with growing delays and sends its token again", async () => {
    await opened();
    const waits: number[] = [];
    for (let count = 1; count <= 7; count++) {
      wire().end(1006);
      const before = Date.now();
      while (Wire.made.length === count) await vi.advanceTimersByTimeAsync(50);
      waits.push(Date.now() - before);
    }
    expect(waits).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000]);
    wire().open();
    expect(wire().sent[0]).toMatchObject({ type: "auth", token: "the-token" });
  });

  it("rejects pending requests when the connection is lost", async () => {
    const socket = await opened();
    const asked = socket.request({ type: "status" }, "statusResponse");
    wire().end(1006);
    await expect(asked).rejects.toMatchObject({ code: "disconnected" });
    await expect(socket.request({ type: "status" }, "statusResponse")).rejects.toMatchObject({
      code: "disconnected",
    });
  });

  it("does not reconnect after its token is refused or it was closed", async () => {
    await opened();
    wire().end(4401);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(Wire.made).toHaveLength(1);
    expect(states.at(-1)).toBe("refused");
    const socket = await opened();
    socket.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(Wire.made).toHaveLength(2);
  });

  it("passes on the contents of the edge's welcome", async () => {
    welcomes = [];
    await opened();
    expect(welcomes).toMatchObject([{ type: "authenticated", user: "a", role: "admin" }]);
  });

  it("passes on frames of exports that this page did not request", async () => {
    exports = [];
    await opened();
    wire().say({ type: "exportProgress", ref: 99, exportId: "e", done: 1, total: 2 });
    wire().say({ type: "exportComplete", exportId: "e", url: "/exports/e" });
    expect(exports).toMatchObject([{ type: "exportProgress" }, { type: "exportComplete" }]);
  });
});
