/** The view of each panel. */

import type { PanelId } from "../model/layout/layout";
import { AlarmPanel } from "./AlarmPanel";
import { Cards } from "./Cards";
import { Chat } from "./Chat";
import { CommandPanel } from "./CommandPanel";
import { EntityTree } from "./EntityTree";
import { GroundTrack } from "./GroundTrack";
import { Inspector } from "./Inspector";
import { LatestValues } from "./LatestValues";
import { Plots } from "./Plots";
import { Shields } from "./Shields";

export const VIEWS = {
  entities: EntityTree,
  shields: Shields,
  cards: Cards,
  values: LatestValues,
  plots: Plots,
  track: GroundTrack,
  inspector: Inspector,
  commands: CommandPanel,
  alarms: AlarmPanel,
  chat: Chat,
} as const;

/** Shorter titles for tabs. */
export const TAB_TITLES: Readonly<Partial<Record<PanelId, string>>> = {
  values: "Values",
  plots: "Plots",
  track: "Map",
  inspector: "Events",
};
