/**
 * The alarms of a stretch of time: the abnormal ones at its beginning, and the transitions after it. The state at
 * any moment of it follows by replacement: each transition has the alarm after it.
 */

import type { AlarmInfo, AlarmTransition } from "../../api/protocol";
import { entityKey } from "../values/event";
import { normalTime } from "../values/event_order";

export type AlarmStates = ReadonlyMap<string, AlarmInfo>;

/** Sorts after a time and before every later one. */
const JUST_AFTER = "~";

/** Identifies an alarm. */
export function alarmKey(of: AlarmInfo): string {
  return `${entityKey(of)} ${of.lane} ${of.viewId || of.messageType} ${of.field} ${of.rule}`;
}

/** Whether there is something to see of an alarm. */
export function isAbnormal(of: AlarmInfo): boolean {
  return of.state !== "normal" || of.shelved === true || of.disabled === true;
}

/** Alarms after others replace them; the same map if that changes nothing. */
export function replaced(states: AlarmStates, by: Iterable<AlarmInfo>): AlarmStates {
  let next: Map<string, AlarmInfo> | undefined;
  for (const one of by) {
    const key = alarmKey(one);
    if (isAbnormal(one)) (next ??= new Map(states)).set(key, one);
    else if ((next ?? states).has(key)) (next ??= new Map(states)).delete(key);
  }
  return next ?? states;
}

/** The known states if others say the same, so that nothing is drawn again. */
export function unlessSame(known: AlarmStates, found: AlarmStates): AlarmStates {
  if (known === found || known.size !== found.size) return found;
  for (const [key, one] of found) if (JSON.stringify(known.get(key)) !== JSON.stringify(one)) return found;
  return known;
}

/** The end of a window without a time. */
export function beforeTime(time: string): string {
  return normalTime(time);
}

/** The end of a window with a time. */
export function upToTime(time: string): string {
  return `${normalTime(time)}${JUST_AFTER}`;
}

export class AlarmWindow {
  private readonly times: readonly string[];
  private count = 0;
  private states: AlarmStates;

  /**
   * `bases` are as of `start`; `transitions` are all after `start` and before `end`, in order. Both are times in
   * their normal form, or texts that sort between those.
   */
  constructor(
    private readonly start: string,
    private readonly bases: AlarmStates,
    private readonly transitions: readonly AlarmTransition[],
    private readonly end: string,
  ) {
    this.times = transitions.map(({ time }) => normalTime(time));
    this.states = bases;
  }

  /** Whether the states at a time are known. */
  covers(time: string): boolean {
    const at = normalTime(time);
    return at === this.start || (at > this.start && at < this.end);
  }

  /** The share of the window's transitions that are later than a time. */
  shareAfter(time: string): number {
    return this.times.length === 0 ? 1 : 1 - this.countUpTo(normalTime(time)) / this.times.length;
  }

  /** The abnormal alarms at a time that the window covers; the same map while nothing changes. */
  statesAt(time: string): AlarmStates {
    const count = this.countUpTo(normalTime(time));
    if (count === this.count) return this.states;
    const [states, from] = count > this.count ? [this.states, this.count] : [this.bases, 0];
    this.states = replaced(states, this.transitions.slice(from, count).map(({ alarm }) => alarm));
    this.count = count;
    return this.states;
  }

  /** How many transitions are at or before a time. */
  private countUpTo(at: string): number {
    let [low, high] = [0, this.times.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.times[middle] as string) <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
