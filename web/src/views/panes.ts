/** The view of each kind of panel. */

import { AlarmPanel } from "./AlarmPanel";
import { Cards } from "./Cards";
import { Chat } from "./Chat";
import { CommandPanel } from "./CommandPanel";
import { EntityTree } from "./EntityTree";
import { GroundTrack } from "./GroundTrack";
import { Inspector } from "./Inspector";
import { LatestValues } from "./LatestValues";
import { laterPanel, type PanelView } from "./later_panel";
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
  notes: laterPanel(() => import("./Notes").then(({ Notes }) => Notes)),
  recordings: laterPanel(() => import("./Recordings").then(({ Recordings }) => Recordings)),
  aligned: laterPanel(() => import("./AlignedPlot").then(({ AlignedPlot }) => AlignedPlot)),
  gauge: laterPanel(() => import("./Gauges").then(({ Gauges }) => Gauges)),
  table: laterPanel(() => import("./FieldTable").then(({ FieldTable }) => FieldTable)),
  states: laterPanel(() => import("./StateStrips").then(({ StateStrips }) => StateStrips)),
  xy: laterPanel(() => import("./XyPlot").then(({ XyPlot }) => XyPlot)),
  histogram: laterPanel(() => import("./Histograms").then(({ Histograms }) => Histograms)),
  synoptic: laterPanel(() => import("./Synoptic").then(({ Synoptic }) => Synoptic)),
  text: laterPanel(() => import("./TextPanel").then(({ TextPanel }) => TextPanel)),
};
