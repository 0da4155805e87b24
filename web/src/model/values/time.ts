/** Times: RFC 3339 texts as the server writes them, and milliseconds where the screen needs numbers. */

const OFFSET = /[+-]\d\d:\d\d$/;
const TEXT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?$/;
const NS_PER_MS = 1_000_000n;
const TIME_MIN_NS = -(2n ** 63n);
const TIME_MAX_NS = 2n ** 63n - 1n;
/** The times that can be stored: int64 nanoseconds. */
export const TIME_RANGE = "1677-09-21 to 2262-04-11";

/** Milliseconds since 1970 of a server's time text (its digits below that are dropped). */
export function toMs(text: string): number {
  return Date.parse(text.replace(/(\.\d{3})\d+/, "$1"));
}

/** A time text of milliseconds since 1970. */
export function fromMs(ms: number): string {
  return new Date(ms).toISOString();
}

/** Nanoseconds since 1970 of a server's time text, exactly. */
export function toNs(text: string): bigint {
  return BigInt(toMs(text)) * NS_PER_MS + BigInt(belowMs(text));
}

/** A time text of nanoseconds since 1970, in the server's spelling. */
export function fromNs(ns: bigint): string {
  const below = ((ns % NS_PER_MS) + NS_PER_MS) % NS_PER_MS;
  const text = fromMs(Number((ns - below) / NS_PER_MS));
  return text.replace("Z", `${String(below).padStart(6, "0")}Z`);
}

/** Whether the server can store a time. */
export function isStorable(ns: bigint): boolean {
  return ns >= TIME_MIN_NS && ns <= TIME_MAX_NS;
}

/** Milliseconds with the digits below them, as exactly as a number can: half a microsecond today. */
export function toFineMs(text: string): number {
  return toMs(text) + belowMs(text) / 1e6;
}

/** A time text of milliseconds with digits below them. */
export function fromFineMs(ms: number): string {
  const whole = Math.floor(ms);
  return fromNs(BigInt(whole) * NS_PER_MS + BigInt(Math.round((ms - whole) * 1e6)));
}

/** Typed text as a time in the server's format; UTC if it has no zone; undefined if it is no time, or none that can be stored. */
export function parseTime(text: string): string | undefined {
  const trimmed = text.trim().replace(" ", "T");
  const match = TEXT.exec(trimmed);
  if (match === null) return undefined;
  const seconds = match[1] === undefined ? ":00" : "";
  const zone = match[3] ?? "Z";
  const whole = trimmed.slice(0, trimmed.length - (match[3]?.length ?? 0));
  const complete = `${whole}${seconds}${zone}`;
  if (Number.isNaN(toMs(complete))) return undefined;
  const ns = toNs(complete);
  return isStorable(ns) ? fromNs(ns) : undefined;
}

/** Order of two times in any spelling: negative, zero or positive, to the nanosecond. */
export function compareTimes(left: string, right: string): number {
  return Math.sign(toMs(left) - toMs(right)) || Math.sign(belowMs(left) - belowMs(right));
}

/** The part of a time text below the millisecond, in ns. */
function belowMs(text: string): number {
  const digits = /\.\d{3}(\d{1,6})/.exec(text)?.[1] ?? "";
  return Number(digits.padEnd(6, "0"));
}

/** A time for display: date, time to the millisecond, always UTC. */
export function formatTime(text: string): string {
  const utc = OFFSET.test(text) && !Number.isNaN(toMs(text)) ? fromNs(toNs(text)) : text;
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d{1,3})?/.exec(utc);
  return match === null ? text : `${match[1]} ${match[2]}${(match[3] ?? ".000").padEnd(4, "0")}`;
}

/** A time for display to the second, with its date where that is not the day of `now`, which may be a day alone. */
export function shortTime(text: string, now: string): string {
  const [shown, today] = [formatTime(text), formatTime(now)];
  return shown.slice(0, 10) === today.slice(0, 10) ? shown.slice(11, 19) : shown.slice(0, 19);
}

/** An age in the largest unit that fits. */
export function formatAge(ms: number): string {
  if (!Number.isFinite(ms)) return "–";
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** Clocks differ, and whole seconds round: a time that is less long after the clock is of now. */
const AFTER_CLOCK_MS = 2_000;

/** An age as a few characters; of a time after the clock, which a replay backwards has just passed, how long after it. */
export function shortAge(ms: number): string {
  if (ms <= -AFTER_CLOCK_MS) return `in ${formatAge(-ms).replace(".0", "")}`;
  return ms < 1_000 ? "now" : formatAge(ms).replace(".0", "");
}
