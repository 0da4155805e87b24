/** What of a link's moment cannot be read, so that a bad link says so instead of opening something else. */

import { RATES } from "../clock/clock";
import { parseTime, TIME_RANGE, toNs } from "../values/time";

const EVENT_ID = /^[0-9a-f]{64}$/;
const SHOWN_CHARS = 40;
const A_TIME = `a time such as 2026-01-31T12:00:00Z, of ${TIME_RANGE}`;

type Check = (text: string) => boolean;

const isTime: Check = (text) => parseTime(text) !== undefined;
const oneOf = (...allowed: readonly string[]): Check => (text) => allowed.includes(text);

/** The rule of each name. Names that are not listed belong to others. */
const RULES: Readonly<Record<string, readonly [isValid: Check, rule: string]>> = {
  t: [isTime, A_TIME],
  at: [isTime, A_TIME],
  from: [isTime, A_TIME],
  to: [isTime, A_TIME],
  state: [oneOf("live", "playing", "paused"), "live, playing or paused"],
  rate: [oneOf(...RATES.map(String)), `one of ${RATES.join(", ")}`],
  dir: [oneOf("back"), "back"],
  tb: [oneOf("source", "canonical"), "source or canonical"],
  len: [(text) => Number(text) > 0 && Number.isFinite(Number(text)), "a length in ms above 0"],
  known: [isTime, `the receive time of what was known: ${A_TIME}`],
  sel: [isRange, `two times with ~ between them, of ${TIME_RANGE}`],
  loop: [oneOf("1"), "1"],
  skip: [oneOf("1"), "1"],
  event: [(text) => EVENT_ID.test(text), "an eventId of 64 digits"],
};

function isRange(text: string): boolean {
  const ends = text.split("~");
  return ends.length === 2 && ends.every(isTime);
}

/** What is wrong with the values of a link, one sentence for each; empty if nothing is. */
export function linkFaults(values: URLSearchParams): string[] {
  const found: string[] = [];
  for (const [name, text] of values) {
    const rule = Object.hasOwn(RULES, name) ? RULES[name] : undefined;
    if (rule === undefined || rule[0](text)) continue;
    const shown = text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
    found.push(`The link's ${name} must be ${rule[1]}, not “${shown}”.`);
  }
  if (values.has("state") && values.get("state") !== "live" && !values.has("t") && !values.has("at")) {
    found.push("The link names no time (t).");
  }
  if (values.has("from") !== values.has("to")) found.push("The link names one end of its span only (from, to).");
  return [...found, ...contradictions(values)];
}

/** Values that are right alone, and not together. */
function contradictions(values: URLSearchParams): string[] {
  const found: string[] = [];
  if (isReversed(values.get("from"), values.get("to"))) {
    found.push("The link's from is after its to: the span is shown with its ends in order.");
  }
  const [first, second] = (values.get("sel") ?? "").split("~");
  if (isReversed(first, second)) found.push("The link's sel ends before it begins: it is shown with its ends in order.");
  if (values.get("state") === "live" && values.has("t")) {
    found.push("The link is LIVE and names a time (t): LIVE is shown. With state=paused it opens at that time.");
  }
  if (values.get("state") === "live" && values.has("known")) {
    found.push("The link is LIVE and names what was known (known): LIVE shows all that is received.");
  }
  return found;
}

function isReversed(from: string | null | undefined, to: string | null | undefined): boolean {
  const [start, stop] = [parseTime(from ?? ""), parseTime(to ?? "")];
  return start !== undefined && stop !== undefined && toNs(start) > toNs(stop);
}
