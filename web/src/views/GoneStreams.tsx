/** Says that a stream that is in use on this page is no longer there. */

import { dismissGone, goneStreams } from "../model/edge/gone_streams";

export function GoneStreams() {
  return (
    <>
      {goneStreams.value.map(({ streamId, name }) => (
        <p key={streamId} class="note-card warn" data-testid="gone-stream" data-name={name}>
          The stream {name} is gone: somebody has deleted it, or you may no longer see it.
          <button type="button" onClick={() => dismissGone(streamId)}>
            Dismiss
          </button>
        </p>
      ))}
    </>
  );
}
