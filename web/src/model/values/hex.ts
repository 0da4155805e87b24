/** Bytes as rows of an offset, hex digits and printable characters. */

export interface HexLine {
  offset: string;
  /** Two groups, so that the middle of a row is visible. */
  hex: [string, string];
  ascii: string;
}

/** A row of 16 bytes has 75 characters; if there is no room for it, rows of 8 have 42. */
export type RowBytes = 8 | 16;

const OFFSET_DIGITS = 6;

/** The bytes of base64 text; undefined if it is not valid base64. */
export function bytesOf(base64: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/** The first rows of bytes, at most this many. */
export function hexLines(bytes: Uint8Array, rowBytes: RowBytes = 16, rows = Number.POSITIVE_INFINITY): HexLine[] {
  const lines: HexLine[] = [];
  for (let row = 0; row < Math.min(rows, rowCount(bytes, rowBytes)); row++) {
    const offset = row * rowBytes;
    lines.push(line(bytes.subarray(offset, offset + rowBytes), offset, rowBytes / 2));
  }
  return lines;
}

/** The number of rows of bytes. */
export function rowCount(bytes: Uint8Array, rowBytes: RowBytes = 16): number {
  return Math.ceil(bytes.length / rowBytes);
}

function line(bytes: Uint8Array, offset: number, groupBytes: number): HexLine {
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"));
  return {
    offset: offset.toString(16).padStart(OFFSET_DIGITS, "0"),
    hex: [digits.slice(0, groupBytes).join(" "), digits.slice(groupBytes).join(" ")],
    ascii: Array.from(bytes, printable).join(""),
  };
}

function printable(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·";
}
