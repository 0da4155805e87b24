/** Panels with a text: procedures, notes, what a display is for. */

import type { PanelKind } from "../panels/panel_kind";

export interface TextOptions {
  text?: string;
}

const TEXT_MAX_CHARS = 20_000;

export const textKind: PanelKind<TextOptions> = {
  kind: "text",
  title: "Text",
  isSingle: false,
  schema: { text: { label: "Text", type: "text", maxChars: TEXT_MAX_CHARS, isLong: true } },
};
