/** Copies a link to what the page shows. */

import { isViewTooLong, shareUrl } from "../model/address/view_link";
import { state } from "../model/clock/clock";
import { copyText } from "../model/page/clipboard";
import { showToast } from "../model/page/toast";

const COPIED = "Link copied.";
const MOMENT = "Link to this moment copied. The page's address follows LIVE.";
const TOO_LONG = "Link copied without layout and plots: they are too long for one. Export the layout as a file.";

export function copyViewLink(): void {
  void shareUrl()
    .then(copyText)
    .then((isCopied) => {
      const done = isViewTooLong.value ? TOO_LONG : state.value === "LIVE" ? MOMENT : COPIED;
      showToast(isCopied ? done : "Copying is not allowed here. The page's address is the link.");
    });
}
