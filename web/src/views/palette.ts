/** The timeline's colours, read from the style sheet, because a canvas cannot use CSS variables. */

import { DENSITY_LANES, type DensityLane } from "../model/timeline/density";

export interface Palette {
  readonly lanes: Readonly<Record<DensityLane, string>>;
  readonly ground: string;
  readonly text: string;
  readonly muted: string;
  readonly line: string;
  readonly raised: string;
  readonly accent: string;
  readonly live: string;
  readonly warn: string;
  readonly bad: string;
  readonly font: string;
}

/** The current colours of an element; read again when the theme changes. */
export function paletteOf(element: Element): Palette {
  const style = getComputedStyle(element);
  const of = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const lanes = DENSITY_LANES.map((lane) => [lane, of(`lane-${lane}`)] as const);
  return {
    lanes: Object.fromEntries(lanes) as Record<DensityLane, string>,
    ground: of("ground"),
    text: of("text"),
    muted: of("muted"),
    line: of("line"),
    raised: of("raised"),
    accent: of("accent"),
    live: of("live"),
    warn: of("warn"),
    bad: of("bad"),
    font: `11px ${of("mono")}`,
  };
}
