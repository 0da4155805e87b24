/** Times as people type them: ISO, day of year, time of day, an offset, epoch numbers, `now`. All in UTC. */

import { fromNs, isStorable, TIME_RANGE, toMs, toNs } from "../values/time";

/** A time, the present, or why the text is neither. */
export type TypedTime = { readonly time: string } | { readonly isPresent: true } | { readonly fault: string };

export const TYPED_TIMES = "2026-01-31 21:59:26, 2026-031T21:59, 21:59:26, -10m, now, or an epoch time";

/** No way to write a time is longer. */
const TYPED_MAX_CHARS = 100;

const DATE = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]+(.+))?$/i;
const DAY_OF_YEAR = /^(\d{4})[-/](\d{3})(?:[T ]+(.+))?$/i;
const TIME_OF_DAY = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?\s*(Z|[+-]\d\d:\d\d)?$/i;
const OFFSET = /^(now\s*)?([+-])\s*((?:\d+(?:\.\d+)?\s*[a-zµ]*\s*)+)$/i;
const OFFSET_PART = /(\d+(?:\.\d+)?)\s*([a-zµ]*)/gi;
const NUMBER = /^(\d+)(?:\.(\d{1,9}))?$/;
const DAY_MS = 86_400_000;
const UNIT_NS: Readonly<Record<string, number>> = {
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  min: 60e9,
  h: 3_600e9,
  d: 86_400e9,
  w: 604_800e9,
};
/** Epoch numbers by their digits: shorter ones are years or dates without their signs, longer ones beyond 9999. */
const EPOCH_UNITS: readonly { readonly maxDigits: number; readonly ns: bigint }[] = [
  { maxDigits: 11, ns: 1_000_000_000n },
  { maxDigits: 14, ns: 1_000_000n },
  { maxDigits: 17, ns: 1_000n },
  { maxDigits: 20, ns: 1n },
];
const EPOCH_MIN_DIGITS = 9;

/** The time that a text means: a time of day is of the clock's day, an offset is from the clock. */
export function typedTime(text: string, cursor: string, nowMs: number): TypedTime {
  const typed = text.trim().replace(/\s*UTC$/i, "");
  if (typed === "") return { fault: `Type a time: ${TYPED_TIMES}.` };
  if (typed.length > TYPED_MAX_CHARS) {
    return { fault: `A time has at most ${TYPED_MAX_CHARS} characters, not ${typed.length.toLocaleString("en")}. Write ${TYPED_TIMES}.` };
  }
  if (typed.toLowerCase() === "now") return { isPresent: true };
  const date = DATE.exec(typed);
  if (date !== null) return onDate(Number(date[1]), Number(date[2]), Number(date[3]), date[4]);
  const day = DAY_OF_YEAR.exec(typed);
  if (day !== null) return onDayOfYear(Number(day[1]), Number(day[2]), day[3]);
  if (TIME_OF_DAY.test(typed)) return atTimeOfDay(cursor.slice(0, 10), typed);
  const offset = OFFSET.exec(typed);
  if (offset !== null) return shifted(offset[1] === undefined ? toNs(cursor) : BigInt(nowMs) * 1_000_000n, offset);
  const number = NUMBER.exec(typed);
  if (number !== null) return ofEpoch(number[1] as string, number[2] ?? "");
  return { fault: `“${typed}” is no time. Write ${TYPED_TIMES}.` };
}

function onDate(year: number, month: number, day: number, rest: string | undefined): TypedTime {
  if (month < 1 || month > 12) return { fault: `There is no month ${month}: write 1 to 12.` };
  const days = new Date(Date.UTC(year, month, 0)).getUTCDate();
  if (day < 1 || day > days) return { fault: `There is no day ${day} in ${year}-${two(month)}: it has ${days} days.` };
  return atTimeOfDay(`${String(year).padStart(4, "0")}-${two(month)}-${two(day)}`, rest);
}

function onDayOfYear(year: number, day: number, rest: string | undefined): TypedTime {
  const days = Math.round((Date.UTC(year + 1, 0, 1) - Date.UTC(year, 0, 1)) / DAY_MS);
  if (day < 1 || day > days) return { fault: `There is no day ${day} in ${year}: write 001 to ${days}.` };
  return atTimeOfDay(dayOf(new Date(Date.UTC(year, 0, day))), rest);
}

/** A day with a time of day; without one, its begin. */
function atTimeOfDay(day: string, text = "00:00"): TypedTime {
  const found = TIME_OF_DAY.exec(text.trim());
  if (found === null) return { fault: `“${text}” is no time of day: write hours and minutes, such as 21:59 or 21:59:26.5.` };
  const [hours, minutes, seconds] = [found[1], found[2], found[3] ?? "00"].map((one) => String(one).padStart(2, "0")) as [string, string, string];
  if (Number(hours) > 23) return { fault: `There is no hour ${hours}: write 0 to 23.` };
  if (Number(minutes) > 59) return { fault: `There is no minute ${minutes}: write 00 to 59.` };
  if (Number(seconds) > 59) return { fault: `There is no second ${seconds}: write 00 to 59.` };
  const fraction = found[4] === undefined ? "" : `.${found[4]}`;
  const time = `${day}T${hours}:${minutes}:${seconds}${fraction}${(found[5] ?? "Z").toUpperCase()}`;
  if (Number.isNaN(toMs(time))) return { fault: `“${found[5]}” is no zone: write Z or an offset such as +02:00.` };
  return within(toNs(time));
}

function shifted(fromAtNs: bigint, [, , sign, parts]: RegExpExecArray): TypedTime {
  let sumNs = 0;
  for (const [, count, unit] of (parts ?? "").matchAll(OFFSET_PART)) {
    const ns = UNIT_NS[String(unit).toLowerCase()];
    if (ns === undefined) return { fault: `“${count}${unit}” has no unit of time: write ms, s, m, h, d or w, such as -1h30m.` };
    sumNs += Number(count) * ns;
  }
  return within(fromAtNs + (sign === "-" ? -1n : 1n) * BigInt(Math.round(sumNs)));
}

function ofEpoch(whole: string, fraction: string): TypedTime {
  const unit = EPOCH_UNITS.find(({ maxDigits }) => whole.length <= maxDigits);
  if (whole.length < EPOCH_MIN_DIGITS || unit === undefined) {
    return { fault: `${whole} is no epoch time: those have 9 to 11 digits in s, 12 to 14 in ms, 15 to 17 in µs, 18 to 20 in ns.` };
  }
  const partNs = fraction === "" ? 0n : (BigInt(fraction) * unit.ns) / 10n ** BigInt(fraction.length);
  return within(BigInt(whole) * unit.ns + partNs);
}

function within(ns: bigint): TypedTime {
  return isStorable(ns) ? { time: fromNs(ns) } : { fault: `That time cannot be stored: write one of ${TIME_RANGE}.` };
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}
