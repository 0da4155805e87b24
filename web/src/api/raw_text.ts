/**
 * The raw text of stored events. A parsed number has 53 bits, `sequence` has 64: copying or showing an event
 * in full needs its digits as they were written.
 */

interface FramePosition {
  /** The text of the whole frame. */
  readonly frame: string;
  readonly index: number;
}

const EVENTS = '"events":[';
const positions = new WeakMap<object, FramePosition>();

/** Associate the events of a reply with its text. Nothing is copied or searched until `rawTextOf`. */
export function rememberFrame(events: readonly unknown[], frame: string): void {
  events.forEach((event, index) => {
    if (typeof event === "object" && event !== null) positions.set(event, { frame, index });
  });
}

/** The raw text of an event; undefined if it was not in such a reply. */
export function rawTextOf(event: object): string | undefined {
  const place = positions.get(event);
  if (place === undefined) return undefined;
  // The members before `events` are ours and hold no quote that is not escaped, so the first is the right one.
  const begin = place.frame.indexOf(EVENTS);
  return begin < 0 ? undefined : elementOf(place.frame, begin + EVENTS.length, place.index);
}

/** The element of an array with this index; the array's first element begins at `start`. */
function elementOf(text: string, start: number, index: number): string | undefined {
  let depth = 0;
  let from = start;
  let found = 0;
  for (let at = start; at < text.length; at++) {
    const sign = text[at];
    if (sign === '"') at = endOfString(text, at);
    else if (sign === "{" || sign === "[") depth++;
    else if (depth > 0 && (sign === "}" || sign === "]")) depth--;
    else if (depth === 0 && (sign === "," || sign === "]")) {
      if (found === index) return text.slice(from, at);
      if (sign === "]") return undefined;
      found++;
      from = at + 1;
    }
  }
  return undefined;
}

/** The index of the closing quote of the string that begins at this index. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}
