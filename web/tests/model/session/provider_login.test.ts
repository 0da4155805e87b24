import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  keepLongHash,
  loadLoginProvider,
  loginProvider,
  providerError,
  providerPath,
  restoreLongHash,
} from "../../../src/model/session/provider_login";

const METHODS = { name: "Mock", path: "/auth/oidc", errors: { noRole: "There is no role." } };

/** The page's address, which `replaceState` changes. */
function open(href: string): void {
  const show = (address: string) => vi.stubGlobal("location", new URL(address));
  vi.stubGlobal("history", { state: null, replaceState: (_: unknown, __: string, url: URL) => show(url.href) });
  show(href);
}

function answer(status: number): void {
  vi.stubGlobal("fetch", async () => ({ ok: status < 300, status, json: async () => METHODS }));
}

describe("the login with a provider", () => {
  beforeEach(() => {
    loginProvider.value = undefined;
    providerError.value = "";
  });
  afterEach(() => vi.unstubAllGlobals());

  it("leads back to the page that it began on", async () => {
    open("http://nova.example/admin#audit");
    answer(200);
    await loadLoginProvider();
    expect(loginProvider.value).toEqual(METHODS);
    expect(providerPath(METHODS)).toBe("/auth/oidc?next=%2Fadmin%23audit");
  });

  it("leads back to an address that is too long for the way, once", () => {
    const kept = new Map<string, string>();
    vi.stubGlobal("sessionStorage", {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
      removeItem: (key: string) => kept.delete(key),
    });
    const long = `http://nova.example/#${"x".repeat(2_000)}`;
    open(long);
    expect(providerPath(METHODS)).toBe("/auth/oidc?next=%2F");
    keepLongHash();
    open("http://nova.example/");
    vi.stubGlobal("history", { state: null, replaceState: (_: unknown, __: string, hash: string) => open(`http://nova.example/${hash}`) });
    restoreLongHash();
    expect(location.href).toBe(long);
    open("http://nova.example/");
    restoreLongHash();
    expect(location.hash).toBe("");
  });

  it("shows why it failed, in words of the edge alone, and once", async () => {
    open("http://nova.example/?loginError=noRole&a=b#t=1");
    answer(200);
    await loadLoginProvider();
    expect(providerError.value).toBe("There is no role.");
    expect(location.href).toBe("http://nova.example/?a=b#t=1");
    open("http://nova.example/?loginError=Call%20this%20number");
    await loadLoginProvider();
    expect(providerError.value).toBe("");
  });

  it("is not offered by an edge without a provider, or one that does not answer", async () => {
    open("http://nova.example/?loginError=noRole");
    for (const status of [204, 404]) {
      answer(status);
      await loadLoginProvider();
      expect(loginProvider.value).toBeUndefined();
    }
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no connection")));
    await loadLoginProvider();
    expect(loginProvider.value).toBeUndefined();
    expect(providerError.value).toBe("");
  });
});
