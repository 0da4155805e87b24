/** What is heard of raised alarms of the present, wherever the clock is: words for screen readers; tone and title on request. */

import { effect, signal } from "@preact/signals";
import type { AlarmInfo } from "../../api/protocol";
import { timebase, type Timebase } from "../clock/clock";
import { entityName } from "../entities/entity_names";
import { loadLocal, saveLocal } from "../page/local_store";
import { showToast } from "../page/toast";
import { user } from "../session/session";
import { toMs } from "../values/time";
import { alarmName, rankOf } from "./alarm_list";
import { presentAlarms } from "./alarm_states";
import type { AlarmStates } from "./alarm_window";

const BELL_KEY = "alarmBell";
/** An older change is history: it does not ring. */
const CHANGED_MAX_MS = 60_000;
/** By source time; in receive time a recording that is imported now changes now. */
const BEGUN_MAX_MS = 86_400_000;
const TONE_HZ = 880;
const TONE_S = 0.4;
const TONE_GAIN = 0.2;

export interface Bell {
  /** Whether a raised alarm is heard. */
  readonly sound: boolean;
  /** Whether the page's title counts raised alarms. */
  readonly title: boolean;
}

const SILENT: Bell = { sound: false, title: false };

export const bell = signal<Bell>(SILENT);
const NONE_RAISED = "No alarm is raised.";

/** What screen readers say: the worst of the alarms that were raised last, or of those that are raised still. */
export const announcement = signal("");
/** The alarm in the announcement; undefined if it names none. */
let announced: string | undefined;
const raisedCount = signal(0);

/** When each raised alarm began, and how bad it was. */
type Raised = ReadonlyMap<string, { readonly since: string; readonly rank: number }>;

/** The raised alarms of the present as they were received last, by timebase. */
const known = new Map<Timebase, Raised>();
/** The timebase of those that were received last of all. */
let heardIn: Timebase | undefined;
let audio: AudioContext | undefined;

/** Load the user's choice, and listen to what is raised. */
export function startBell(): void {
  effect(() => {
    bell.value = user.value === null ? SILENT : bellOf(loadLocal(BELL_KEY, user.value));
    known.clear();
    [announcement.value, announced] = ["", undefined];
  });
  const plain = document.title;
  effect(() => {
    const count = bell.value.title ? raisedCount.value : 0;
    document.title = count === 0 ? plain : `(${count}) ${plain}`;
  });
  presentAlarms.subscribe(hear);
}

/** Change the choice; sound is heard once, so that people know it and the browser allows it. */
export function chooseBell(chosen: Bell): void {
  if (chosen.sound && !bell.value.sound) ring();
  bell.value = chosen;
  if (user.value !== null) saveLocal(BELL_KEY, user.value, chosen);
}

function bellOf(value: unknown): Bell {
  const found = (value ?? {}) as Partial<Bell>;
  return { sound: found.sound === true, title: found.title === true };
}

function hear(states: AlarmStates, now: string): void {
  const raised = [...states].filter(([, one]) => isAudible(one));
  raisedCount.value = raised.length;
  const before = knownBefore();
  heardIn = timebase.value;
  known.set(heardIn, new Map(raised.map(([key, one]) => [key, { since: one.since ?? "", rank: rankOf(one) }])));
  const added = raised.filter(([key, one]) => before.every((of) => isNewlyRaised(one, of.get(key), now)));
  if (before.length > 0 && added.length > 0) {
    announce(added);
    if (bell.value.sound) ring();
  } else if (before.length === 0 || (announced !== undefined && !raised.some(([key]) => key === announced))) {
    // A page that opens, or an alarm that is over: what is raised now.
    announce(raised);
  }
}

/** Say the worst of them. The same words are read again only if the text differs. */
function announce(of: readonly (readonly [key: string, alarm: AlarmInfo])[]): void {
  const [found] = [...of].sort(([, one], [, other]) => rankOf(other) - rankOf(one));
  if (found === undefined) {
    if (announced !== undefined) announcement.value = NONE_RAISED;
    announced = undefined;
    return;
  }
  const [key, worst] = found;
  announced = key;
  const more = of.length === 1 ? "" : `, and ${of.length - 1} more`;
  const words = `Alarm: ${worst.severity ?? ""} ${alarmName(worst)} of ${entityName(worst)}${more}.`;
  announcement.value = announcement.value === words ? `${words}\u00a0` : words;
}

/** What was known before; in another timebase than last that of both, as its alarms changed at other times. */
function knownBefore(): readonly Raised[] {
  if (timebase.value !== heardIn) return [...known.values()];
  const own = known.get(heardIn);
  return own === undefined ? [] : [own];
}

/** Whether an alarm asks for somebody. */
export function isAudible(of: AlarmInfo): boolean {
  return of.state === "raised" && of.shelved !== true;
}

/** Whether an alarm was raised, or became worse, in the last minute, and was not known as such. */
export function isNewlyRaised(one: AlarmInfo, before: { since: string; rank: number } | undefined, now: string): boolean {
  if (before !== undefined && before.since === one.since && before.rank >= rankOf(one)) return false;
  if (one.since == null || one.changed == null) return false;
  return toMs(now) - toMs(one.changed) < CHANGED_MAX_MS && toMs(now) - toMs(one.since) < BEGUN_MAX_MS;
}

/** One tone. A browser that has not been clicked since it was loaded refuses it. */
function ring(): void {
  audio ??= new AudioContext();
  if (audio.state === "suspended") {
    audio.resume().catch(() => undefined);
    if (!navigator.userActivation.hasBeenActive) showToast("The browser allows sound once you have clicked on this page.");
  }
  const tone = audio.createOscillator();
  const gain = audio.createGain();
  tone.frequency.value = TONE_HZ;
  gain.gain.value = TONE_GAIN;
  tone.connect(gain).connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + TONE_S);
}
