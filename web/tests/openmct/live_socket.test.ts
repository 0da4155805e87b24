import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { LiveSocket } from "../../openmct/src/live_socket";
import type { SeriesName } from "../../src/api/series";

class FakeSocket {
  static readonly OPEN = 1;
  static all: FakeSocket[] = [];
  readyState = 0;
  sent: Record<string, unknown>[] = [];
  onopen = () => {};
  onmessage = (_: { data: string }) => {};
  onclose = () => {};

  constructor() {
    FakeSocket.all.push(this);
  }

  open(): void {
    this.readyState = FakeSocket.OPEN;
    this.onopen();
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }

  receive(frame: object): void {
    this.onmessage({ data: JSON.stringify(frame) });
  }

  close(): void {
    this.readyState = 3;
    this.onclose();
  }
}

const series = (uniqueId: string): SeriesName => ({ scopeId: "s", systemId: "a", containerId: "b", uniqueId, lane: "parsed", messageType: "T" });
const event = (uniqueId: string) => ({ ...series(uniqueId), eventId: uniqueId });
const last = () => FakeSocket.all.at(-1) as FakeSocket;

beforeEach(() => {
  FakeSocket.all = [];
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("one stream has all that is watched, each watcher hears its series, and a change leaves nothing out", () => {
  const [live, heard] = [new LiveSocket("ws://x"), [] as string[]];
  live.watch(series("one"), ({ eventId }) => heard.push(eventId));
  vi.advanceTimersByTime(200);
  last().open();
  expect(last().sent).toMatchObject([{ type: "startStream", timelineMode: "LIVE", filters: { uniqueId: "one", lanes: ["parsed"] } }]);
  last().receive({ type: "streamChunk", cursor: "t1", events: [event("one"), event("two")], lastKey: "k1" });
  expect(heard).toEqual(["one"]);
  const unwatch = live.watch(series("two"), ({ eventId }) => heard.push(eventId));
  vi.advanceTimersByTime(200);
  expect(last().sent[1]).toMatchObject({ type: "startStream", afterKey: "k1", filters: { systemId: "a" } });
  expect(last().sent[1]?.["filters"]).not.toHaveProperty("uniqueId");
  unwatch();
  vi.advanceTimersByTime(200);
  expect(last().sent[2]).toMatchObject({ filters: { uniqueId: "one" } });
});

it("a lost connection is opened again, and continues behind the last event", () => {
  const live = new LiveSocket("ws://x");
  live.watch(series("one"), () => {});
  vi.advanceTimersByTime(200);
  last().open();
  last().receive({ type: "streamChunk", cursor: "t1", events: [], lastKey: "k9" });
  last().close();
  vi.advanceTimersByTime(1_000);
  expect(FakeSocket.all).toHaveLength(2);
  last().open();
  expect(last().sent).toMatchObject([{ type: "startStream", afterKey: "k9" }]);
});

it("nothing that is watched any more is streamed, and alarms are followed while somebody wants them", () => {
  const [live, changes] = [new LiveSocket("ws://x"), vi.fn()];
  const unfollow = live.follow(changes);
  last().open();
  expect(last().sent).toMatchObject([{ type: "followAlarms" }]);
  last().receive({ type: "alarmUpdates", alarms: [], whole: true });
  last().receive({ type: "alarmUpdates", alarms: [] });
  expect(changes).toHaveBeenCalledTimes(1);
  const unwatch = live.watch(series("one"), () => {});
  vi.advanceTimersByTime(200);
  unwatch();
  unfollow();
  vi.advanceTimersByTime(200);
  expect(last().sent.map(({ type }) => type)).toEqual(["followAlarms", "startStream", "unfollowAlarms", "cancelStream"]);
});
