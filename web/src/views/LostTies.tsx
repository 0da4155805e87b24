/** Says that a stream follows this page's timeline no longer, and offers to tie it again. */

import { useState } from "preact/hooks";
import { sendEdgeRequest } from "../model/edge/edge_entities";
import { dismissTie, type LostTie, lostTies } from "../model/edge/ties";

export function LostTies() {
  return (
    <>
      {lostTies.value.map((lost) => (
        <Lost key={lost.streamId} lost={lost} />
      ))}
    </>
  );
}

function Lost({ lost }: { lost: LostTie }) {
  const [error, setError] = useState("");
  const { streamId, name, now, canTie } = lost;
  const tie = () => {
    sendEdgeRequest("tieTcpStream", { streamId }).catch((failure: Error) => setError(failure.message));
  };
  return (
    <p class="note-card warn" data-testid="lost-tie" data-name={name}>
      {error === "" ? `The stream ${name} is no longer tied to this page: it ${now}.` : error}
      {canTie && (
        <button type="button" onClick={tie} data-testid="tie-again">
          Tie again
        </button>
      )}
      <button type="button" onClick={() => dismissTie(streamId)}>
        Dismiss
      </button>
    </p>
  );
}
