import { beforeEach, describe, expect, it, vi } from "vitest";
import type { LoginReply } from "../../../src/api/auth";

const DAY_S = 86_400;
const world = vi.hoisted(() => ({ answers: [] as unknown[], sockets: [] as { token: string; hear: (state: string) => void }[] }));
const stored = new Map<string, string>();

vi.mock("../../../src/api/socket", () => ({
  CORE_UNAVAILABLE: "coreUnavailable",
  RequestError: class extends Error {},
  Socket: class {
    constructor(_: string, token: string, { connection }: { connection: (state: string) => void }) {
      world.sockets.push({ token, hear: connection });
    }
    close() {}
    renew() {}
    unansweredMs() {
      return 0;
    }
  },
}));

vi.useFakeTimers();
vi.stubGlobal("navigator", { locks: { request: (_: string, work: () => unknown) => work() } });
vi.stubGlobal("location", { protocol: "http:", host: "nova" });
vi.stubGlobal("sessionStorage", {
  getItem: (name: string) => stored.get(name) ?? null,
  setItem: (name: string, value: string) => stored.set(name, value),
  removeItem: (name: string) => stored.delete(name),
});
vi.stubGlobal("fetch", async () => {
  const answer = world.answers.shift();
  if (answer === undefined) throw new TypeError("no connection");
  const status = typeof answer === "number" ? answer : 200;
  return { ok: status === 200, status, json: async () => answer };
});

const session = await import("../../../src/model/session/session");
const end = await import("../../../src/model/session/session_end");
end.followSessionEnd();

function reply(token: string, sessionEndsInS?: number): LoginReply {
  const found = { token, user: "ann", role: "viewer", expiresInS: 900 };
  return sessionEndsInS === undefined ? found : { ...found, sessionEndsInS };
}

beforeEach(async () => {
  await vi.advanceTimersByTimeAsync(10_000);
  stored.clear();
  [session.user.value, session.notice.value] = [null, ""];
  [world.answers, world.sockets] = [[], []];
});

describe("a session", () => {
  it("is continued once the server answers, when a page begins before it", async () => {
    void session.resume();
    await vi.advanceTimersByTimeAsync(12_000);
    expect(session.notice.value).toContain("does not answer");
    world.answers = [503, reply("first")];
    await vi.advanceTimersByTimeAsync(12_000);
    expect([session.user.value, session.notice.value]).toEqual(["ann", ""]);
    expect(world.sockets.map(({ token }) => token)).toEqual(["first"]);
  });

  it("outlives a server that is away while its token expires", async () => {
    world.answers = [reply("first")];
    await session.resume();
    world.sockets[0]?.hear("refused");
    await vi.advanceTimersByTimeAsync(60_000);
    expect([session.user.value, session.connection.value]).toEqual(["ann", "lost"]);
    world.answers = [reply("second")];
    await vi.advanceTimersByTimeAsync(6_000);
    expect(world.sockets.at(-1)?.token).toBe("second");
  });

  it("ends when the server says so", async () => {
    world.answers = [reply("first")];
    await session.resume();
    world.answers = [401];
    world.sockets[0]?.hear("refused");
    await vi.advanceTimersByTimeAsync(0);
    expect(session.user.value).toBeNull();
    expect(session.notice.value).toContain("has ended");
  });

  it("says a day before that it ends, and near its end again", async () => {
    world.answers = [reply("first", 2 * DAY_S)];
    await session.resume();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(end.sessionEndText.value).toBe("");
    stored.set("nova.session", JSON.stringify({ ...reply("first"), renewAt: Number.MAX_SAFE_INTEGER, endsAt: Date.now() + (DAY_S / 2) * 1_000 }));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(end.sessionEndText.value).toContain("Your session ends in 12 h, at ");
    end.dismissSessionEnd();
    expect(end.sessionEndText.value).toBe("");
    stored.set("nova.session", JSON.stringify({ ...reply("first"), endsAt: Date.now() + 500_000 }));
    await vi.advanceTimersByTimeAsync(5_000);
    expect([end.isEndUrgent.value, end.sessionEndText.value.slice(0, 26)]).toEqual([true, "Your session ends in 8 min"]);
  });

  it("of a viewer has no end, and nothing to say", async () => {
    world.answers = [reply("first")];
    await session.resume();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(end.sessionEndText.value).toBe("");
  });

  it("is begun again without leaving the page", async () => {
    world.answers = [reply("first", 300)];
    await session.resume();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(end.isEndUrgent.value).toBe(true);
    world.answers = [reply("again", 30 * DAY_S)];
    await end.logInAgain("secret");
    expect([session.user.value, end.sessionEndText.value]).toEqual(["ann", ""]);
    expect(world.sockets.at(-1)?.token).toBe("again");
  });
});
