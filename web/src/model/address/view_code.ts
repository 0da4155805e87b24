/** The text of a view in an address: JSON, compressed where the browser can, in characters that need no escape. */

/** What a link may hold of a view: links of this length work in browsers, mail and chats. */
export const VIEW_MAX_CHARS = 6_000;
/** A compressed text may be a thousand times as long when it is read. */
const READ_MAX_BYTES = 1_048_576;
const FORMAT = "deflate-raw";
const [COMPRESSED, PLAIN] = ["d", "j"];
const CODE = /^([dj])\.([A-Za-z0-9_-]*)$/;
const SPREAD_MAX_BYTES = 8_192;

/** JSON text as characters of an address; undefined if they are more than `maxChars`. */
export async function encodeView(json: string, maxChars = VIEW_MAX_CHARS): Promise<string | undefined> {
  const bytes = new TextEncoder().encode(json);
  const code = isCompressing() ? `${COMPRESSED}.${toCode(await compressed(bytes))}` : `${PLAIN}.${toCode(bytes)}`;
  return code.length > maxChars ? undefined : code;
}

/** The JSON text of such characters; rejects with an Error that says what is wrong with them. */
export async function decodeView(code: string, maxBytes = READ_MAX_BYTES): Promise<string> {
  const found = CODE.exec(code);
  if (found === null) throw new Error("it is damaged");
  if (found[1] === COMPRESSED && !isCompressing()) throw new Error("this browser cannot read it: it is too old");
  try {
    const bytes = fromCode(found[2] ?? "");
    const whole = found[1] === COMPRESSED ? await uncompressed(bytes, maxBytes) : bytes;
    return new TextDecoder("utf-8", { fatal: true }).decode(whole);
  } catch (error) {
    throw error instanceof RangeError ? error : new Error("it is damaged or was cut off", { cause: error });
  }
}

function isCompressing(): boolean {
  return typeof CompressionStream !== "undefined" && typeof DecompressionStream !== "undefined";
}

async function compressed(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream(FORMAT));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}

async function uncompressed(bytes: Uint8Array<ArrayBuffer>, maxBytes: number): Promise<Uint8Array> {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream(FORMAT)).getReader();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let sumBytes = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    sumBytes += part.value.length;
    if (sumBytes > maxBytes) {
      void reader.cancel();
      throw new RangeError(`it has more than ${maxBytes.toLocaleString("en")} bytes`);
    }
    parts.push(part.value as Uint8Array<ArrayBuffer>);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

function toCode(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += SPREAD_MAX_BYTES) text += String.fromCharCode(...bytes.subarray(at, at + SPREAD_MAX_BYTES));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function fromCode(code: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(code.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
}
