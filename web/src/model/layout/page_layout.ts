/** Shows the user's display in the width of the screen, from the first view on. */

import { persistDisplay } from "../displays/open_display";
import { startDisplays } from "../displays/stored_displays";
import { followWidth } from "./layout_store";

let isStarted = false;

/** Connect the layout to the user, the edge and the width; once. */
export function startPageLayout(): void {
  if (isStarted) return;
  isStarted = true;
  startDisplays();
  persistDisplay();
  followWidth();
}
