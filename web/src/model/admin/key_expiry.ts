/** When a new key expires: never, after a number of days, or at a typed time. */

import { fromMs, parseTime, toMs } from "../values/time";

const DAY_MS = 86_400_000;

/** The choices of the form: a number of days, or one of the words. */
export const EXPIRY_CHOICES = [
  ["30", "in 30 days"],
  ["90", "in 90 days"],
  ["365", "in a year"],
  ["never", "never"],
  ["time", "at a time…"],
] as const;
export type ExpiryChoice = (typeof EXPIRY_CHOICES)[number][0];

/** The time of a choice, null for never; throws an Error that can be shown. */
export function expiryTime(choice: ExpiryChoice, typed: string, nowMs: number): string | null {
  if (choice === "never") return null;
  if (choice !== "time") return fromMs(nowMs + Number(choice) * DAY_MS);
  const time = parseTime(typed);
  if (time === undefined) throw new Error(`“${typed}” is no time: write it as 2030-01-31 12:00, in UTC.`);
  if (toMs(time) <= nowMs) throw new Error(`${typed} is in the past.`);
  return time;
}
