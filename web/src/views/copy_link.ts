/** Copies a link to what the page shows. */

import { shareUrl } from "../model/address/url_sync";
import { state } from "../model/clock/clock";
import { copyText } from "../model/page/clipboard";
import { showToast } from "../model/page/toast";

const COPIED = "Link copied.";
const MOMENT = "Link to this moment copied. The page's address follows LIVE.";

export function copyViewLink(): void {
  void copyText(shareUrl()).then((isCopied) => {
    const done = state.value === "LIVE" ? MOMENT : COPIED;
    showToast(isCopied ? done : "Copying is not allowed here. The page's address is the link.");
  });
}
