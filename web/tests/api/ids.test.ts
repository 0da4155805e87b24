import { afterEach, describe, expect, it, vi } from "vitest";
import { newId } from "../../src/api/ids";

describe("ids", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("are distinct UUIDs that the protocol accepts", () => {
    const ids = Array.from({ length: 200 }, newId);
    for (const id of ids) {
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
    expect(new Set(ids).size).toBe(200);
  });

  it("are generated without crypto.randomUUID on pages served without TLS", () => {
    const { crypto } = globalThis;
    vi.stubGlobal("crypto", { getRandomValues: crypto.getRandomValues.bind(crypto) });
    expect(newId()).toHaveLength(36);
  });
});
