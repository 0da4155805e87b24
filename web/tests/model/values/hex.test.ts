import { describe, expect, it } from "vitest";
import { bytesOf, hexLines, rowCount } from "../../../src/model/values/hex";

function bytes(text: string): Uint8Array {
  return bytesOf(btoa(text)) as Uint8Array;
}

describe("bytes as hex and ASCII", () => {
  it("has sixteen bytes a row, in two groups, with offset and printable characters", () => {
    expect(hexLines(bytes("NOVA reads\r\n\x00\x7f\xff~ab"))).toEqual([
      { offset: "000000", hex: ["4e 4f 56 41 20 72 65 61", "64 73 0d 0a 00 7f ff 7e"], ascii: "NOVA reads·····~" },
      { offset: "000010", hex: ["61 62", ""], ascii: "ab" },
    ]);
  });

  it("has eight bytes a row in a narrow panel", () => {
    expect(hexLines(bytes("0123456789"), 8)).toEqual([
      { offset: "000000", hex: ["30 31 32 33", "34 35 36 37"], ascii: "01234567" },
      { offset: "000008", hex: ["38 39", ""], ascii: "89" },
    ]);
  });

  it("gives at most the requested number of rows", () => {
    const all = bytes("x".repeat(16 * 100 + 1));
    expect([rowCount(all), rowCount(all, 8)]).toEqual([101, 201]);
    expect(hexLines(all, 16, 200).at(-1)).toMatchObject({ offset: "000640", ascii: "x" });
    expect(hexLines(all, 16, 2)).toHaveLength(2);
    expect(hexLines(bytes(""))).toEqual([]);
  });

  it("reports text that is not base64", () => {
    expect(bytesOf("%")).toBeUndefined();
  });
});
