/** A text, as it was written. */

import type { TextOptions } from "../model/kinds/text_kind";
import "../kinds.css";
import type { PanelProps } from "./later_panel";
import { Empty, Pane } from "./Pane";

export function TextPanel({ panel, options: { text = "" } }: PanelProps<TextOptions>) {
  return (
    <Pane id={panel.id}>
      {text.trim() === "" ? (
        <Empty>No text yet: write it in Settings, in the menu ⋮.</Empty>
      ) : (
        <div class="text-panel" tabIndex={0} role="region" aria-label="Text" data-testid="text-panel">
          {text}
        </div>
      )}
    </Pane>
  );
}
