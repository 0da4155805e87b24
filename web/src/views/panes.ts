/** The view of each kind of panel. */

import { EntityTree } from "./EntityTree";
import { LatestValues } from "./LatestValues";
import { latePanel, laterPanel, type PanelView } from "./later_panel";

/** The views by kind. All but those of the first view are loaded after it; a kind that few pages have when it is drawn. */
export const VIEWS: Readonly<Record<string, PanelView>> = {
  entities: EntityTree,
  shields: latePanel("Shields"),
  cards: latePanel("Cards"),
  values: LatestValues,
  plots: latePanel("Plots"),
  track: latePanel("GroundTrack"),
  inspector: latePanel("Inspector"),
  commands: latePanel("CommandPanel"),
  alarms: latePanel("AlarmPanel"),
  chat: latePanel("Chat"),
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
