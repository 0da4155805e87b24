/** The panel of recordings: of what it lists them, and which silences divide them. */

import type { PanelKind } from "../panels/panel_kind";

export interface RecordingsOptions {
  of?: RecordingsOf;
  gap?: GapChoice;
}

export const RECORDINGS_OF = { entity: "of the entity", scope: "of its scope", all: "of everything" } as const;
export type RecordingsOf = keyof typeof RECORDINGS_OF;

/** The silences that recordings are divided by; one that is learnt is one of the others. */
export const GAP_CHOICES = {
  learnt: "learnt",
  min1: "1 min",
  min5: "5 min",
  min20: "20 min",
  h1: "1 h",
  h6: "6 h",
  d1: "1 d",
} as const;
export type GapChoice = keyof typeof GAP_CHOICES;

export const GAP_SECONDS: Readonly<Record<GapChoice, number | null>> = {
  learnt: null,
  min1: 60,
  min5: 300,
  min20: 1_200,
  h1: 3_600,
  h6: 21_600,
  d1: 86_400,
};

/** A gap in words. */
export function gapText(seconds: number): string {
  const choice = (Object.keys(GAP_SECONDS) as GapChoice[]).find((one) => GAP_SECONDS[one] === seconds);
  return choice === undefined ? `${seconds} s` : GAP_CHOICES[choice];
}

export const recordingsKind: PanelKind<RecordingsOptions> = {
  kind: "recordings",
  title: "Recordings",
  isSingle: true,
  schema: {
    of: { label: "Recordings", type: "choice", choices: RECORDINGS_OF },
    gap: { label: "Divided by silences longer than", type: "choice", choices: GAP_CHOICES },
  },
};
