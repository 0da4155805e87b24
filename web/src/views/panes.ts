/** The view of each kind of panel. */

import { AlarmPanel } from "./AlarmPanel";
import { Cards } from "./Cards";
import { Chat } from "./Chat";
import { CommandPanel } from "./CommandPanel";
import { EntityTree } from "./EntityTree";
import { GroundTrack } from "./GroundTrack";
import { Inspector } from "./Inspector";
import { LatestValues } from "./LatestValues";
import type { PanelView } from "./later_panel";
import { Plots } from "./Plots";
import { Shields } from "./Shields";

/** The views by kind; a kind that few pages have is loaded when it is drawn (`laterPanel`). */
export const VIEWS: Readonly<Record<string, PanelView>> = {
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
};
