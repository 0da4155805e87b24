/** Says that the visible span begins before the events that retention keeps. */

import { givenBackNotice } from "../model/timeline/given_back";

export function GivenBackSign() {
  const notice = givenBackNotice.value;
  if (notice === undefined) return null;
  return (
    <span class="ahead-sign" title={notice.detail} data-testid="given-back">
      {notice.text}
    </span>
  );
}
