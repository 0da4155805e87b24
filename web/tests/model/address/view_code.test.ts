import { afterEach, describe, expect, it, vi } from "vitest";
import { decodeView, encodeView, VIEW_MAX_CHARS } from "../../../src/model/address/view_code";

afterEach(() => void vi.unstubAllGlobals());

function line(index: number): object {
  const entity = { scopeId: "sat1", systemId: "bus", containerId: "eps", uniqueId: `battery${index % 7}` };
  return { series: { ...entity, lane: "parsed", messageType: "Battery" }, field: `cells.voltage${index}` };
}

describe("the text of a view", () => {
  it.each(["{}", '{"a":"ü–🛰"}', JSON.stringify(Array.from({ length: 500 }, (_, index) => index))])("is read back: %.20s", async (json) => {
    const code = (await encodeView(json)) ?? "";
    expect(code).toMatch(/^d\.[A-Za-z0-9_-]+$/);
    expect(await decodeView(code)).toBe(json);
  });

  it("has room for the most plots with the most lines", async () => {
    const plots = Array.from({ length: 16 }, (_, plot) => ({ fields: Array.from({ length: 8 }, (_, index) => line(plot * 8 + index)) }));
    const code = await encodeView(JSON.stringify({ plots }));
    expect(code?.length).toBeLessThan(VIEW_MAX_CHARS / 2);
  });

  it("is none where it is too long", async () => {
    expect(await encodeView('{"a":"abcdefgh"}', 5)).toBeUndefined();
  });

  it.each(["", "x.abc", "d.!!", "d.AAAA", "d", "j.gICA"])("is refused where it is damaged: %s", async (code) => {
    await expect(decodeView(code)).rejects.toThrow("damaged");
  });

  it("is refused where it was cut off, or is a bomb", async () => {
    const code = (await encodeView(JSON.stringify(Array.from({ length: 200 }, (_, index) => line(index))))) ?? "";
    await expect(decodeView(code.slice(0, -40))).rejects.toThrow("cut off");
    const bomb = (await encodeView(JSON.stringify("a".repeat(100_000)))) ?? "";
    await expect(decodeView(bomb, 50_000)).rejects.toThrow("more than 50,000 bytes");
  });

  it("is written plainly by a browser that cannot compress, and read by all", async () => {
    vi.stubGlobal("CompressionStream", undefined);
    const code = (await encodeView('{"a":1}')) ?? "";
    expect(code).toMatch(/^j\./);
    vi.unstubAllGlobals();
    expect(await decodeView(code)).toBe('{"a":1}');
  });
});
