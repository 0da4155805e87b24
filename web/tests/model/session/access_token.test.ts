import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LoginReply } from "../../../src/api/auth";
import { forgetLogin, heldLogin, holdLogin, scheduleRenewal } from "../../../src/model/session/access_token";

const LIFETIME_S = 900;
const RENEW_AFTER_MS = 600_000;
const stored = new Map<string, string>();

function reply(token: string): LoginReply {
  return { token, user: "ann", role: "operator", expiresInS: LIFETIME_S };
}

/** The answers of `/auth/refresh`, in order; the last one is repeated. */
function answers(...given: (LoginReply | number | Error)[]): void {
  let asked = 0;
  vi.stubGlobal("fetch", async () => {
    const answer = given[Math.min(asked++, given.length - 1)];
    if (answer instanceof Error) throw answer;
    const status = typeof answer === "number" ? answer : 200;
    return { ok: status === 200, status, json: async () => answer };
  });
}

describe("the access token", () => {
  beforeEach(() => {
    stored.clear();
    vi.useFakeTimers();
    vi.stubGlobal("navigator", { locks: { request: (_: string, work: () => unknown) => work() } });
    vi.stubGlobal("sessionStorage", {
      getItem: (name: string) => stored.get(name) ?? null,
      setItem: (name: string, value: string) => stored.set(name, value),
      removeItem: (name: string) => stored.delete(name),
    });
  });
  afterEach(() => {
    forgetLogin();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("is renewed after two thirds of its lifetime", async () => {
    answers(reply("second"));
    const renewed = vi.fn();
    holdLogin(reply("first"), renewed);
    await vi.advanceTimersByTimeAsync(RENEW_AFTER_MS - 1);
    expect(renewed).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(renewed).toHaveBeenCalledExactlyOnceWith(reply("second"));
  });

  it("is renewed at once after a reload if that was due meanwhile", async () => {
    answers(reply("second"));
    const renewed = vi.fn();
    holdLogin(reply("first"), vi.fn());
    const held = heldLogin();
    if (held === undefined) throw new Error("nothing is held");
    expect(held.token).toBe("first");
    vi.setSystemTime(Date.now() + RENEW_AFTER_MS + 60_000);
    scheduleRenewal(held, renewed);
    await vi.advanceTimersByTimeAsync(0);
    expect(renewed).toHaveBeenCalledExactlyOnceWith(reply("second"));
  });

  it("is asked for again while NOVA is away", async () => {
    answers(new Error("refused"), 503, reply("second"));
    const renewed = vi.fn();
    holdLogin(reply("first"), renewed);
    await vi.advanceTimersByTimeAsync(RENEW_AFTER_MS + 10_000);
    expect(renewed).toHaveBeenCalledExactlyOnceWith(reply("second"));
  });

  it.each([401, 204])("is gone once the session has ended (%d)", async (status) => {
    answers(status);
    const renewed = vi.fn();
    holdLogin(reply("first"), renewed);
    await vi.advanceTimersByTimeAsync(RENEW_AFTER_MS);
    expect(renewed).toHaveBeenCalledExactlyOnceWith(undefined);
  });

  it("is forgotten at logout, and no longer renewed", async () => {
    answers(reply("second"));
    const renewed = vi.fn();
    holdLogin(reply("first"), renewed);
    forgetLogin();
    await vi.advanceTimersByTimeAsync(2 * RENEW_AFTER_MS);
    expect(heldLogin()).toBeUndefined();
    expect(renewed).not.toHaveBeenCalled();
  });
});
