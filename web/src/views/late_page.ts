/** What of the page is loaded after its first view. */

import { untilFirstView } from "../model/page/first_view";
import { later } from "../model/page/later";

export const latePage = later(async () => {
  const parts = await import("./late_parts");
  parts.startPanelsSync();
  return parts;
});

/** Load it once the first view is shown. */
export function loadLatePage(): void {
  void untilFirstView().then(latePage.load);
}
