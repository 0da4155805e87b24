/** The matches of searches: only the rows in view are drawn. */

import { useEffect, useRef, useState } from "preact/hooks";
import { cursor, state } from "../model/clock/clock";
import { entityName } from "../model/entities/entity_names";
import { lengthText, type Match } from "../model/search/matches";
import { nothingText } from "../model/search/search_limits";
import { goToMatch, listedMatches, searches, selectMatch } from "../model/search/searches";
import { entityKey } from "../model/values/event";
import { compareTimes, formatTime } from "../model/values/time";

/** As search.css has it. */
const ROW_PX = 44;
/** Rows that are drawn beyond those in view. */
const OVERSCAN_ROWS = 4;

export function MatchList() {
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 400 });
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const measure = () => setView({ top: element.scrollTop, height: element.clientHeight });
    const sizes = new ResizeObserver(measure);
    sizes.observe(element);
    element.addEventListener("scroll", measure, { passive: true });
    return () => {
      sizes.disconnect();
      element.removeEventListener("scroll", measure);
    };
  }, []);
  const all = listedMatches.value;
  useEffect(() => reveal(scroller.current, all), [cursor.value, all.length]);
  const first = Math.max(0, Math.floor(view.top / ROW_PX) - OVERSCAN_ROWS);
  const last = Math.min(all.length, Math.ceil((view.top + view.height) / ROW_PX) + OVERSCAN_ROWS);
  return (
    <div class="scroll matches" ref={scroller} tabIndex={0} role="region" aria-label="Matches" data-testid="matches">
      {all.length === 0 ? (
        <Nothing />
      ) : (
        <ul style={{ height: `${all.length * ROW_PX}px` }}>
          {all.slice(first, last).map((match, index) => (
            <Row key={`${match.search} ${first + index}`} match={match} place={first + index} count={all.length} />
          ))}
        </ul>
      )}
    </div>
  );
}

/** Bring the match at the clock into view. */
function reveal(element: HTMLDivElement | null, all: readonly Match[]): void {
  if (element === null || state.value === "LIVE") return;
  const place = all.findIndex(({ time }) => compareTimes(time, cursor.value) === 0);
  if (place < 0) return;
  const top = place * ROW_PX;
  if (top < element.scrollTop) element.scrollTop = top;
  else if (top + ROW_PX > element.scrollTop + element.clientHeight) element.scrollTop = top + ROW_PX - element.clientHeight;
}

function Row({ match, place, count }: { match: Match; place: number; count: number }) {
  const isHere = state.value !== "LIVE" && compareTimes(match.time, cursor.value) === 0;
  const length = lengthText(match);
  return (
    <li style={{ top: `${place * ROW_PX}px` }} aria-posinset={place + 1} aria-setsize={count}>
      <button
        type="button"
        class={`match-row ${isHere ? "chosen" : ""}`}
        aria-current={isHere}
        data-testid="match"
        data-time={match.time}
        title={state.value === "LIVE" ? "Move the clock there (leaves LIVE)" : "Move the clock there"}
        onClick={() => goToMatch(match)}
      >
        <span class="match-head">
          <span class={`search-dot colour-${match.search % 8}`} aria-hidden="true" />
          <time>{formatTime(match.time)}</time>
          <span class="spacer" />
          <span class="muted">{length}</span>
        </span>
        <span class="match-text" title={entityKey(match.entity)}>
          <strong>{entityName(match.entity)}</strong> {match.what}: {match.text}
        </span>
      </button>
      {length !== "" && (
        <button
          type="button"
          class="match-select"
          aria-label={`Select the ${length} from ${formatTime(match.time)}`}
          title="Select this range, to export it, loop it or write a note on it"
          data-testid="match-select"
          onClick={() => selectMatch(match)}
        >
          Select
        </button>
      )}
    </li>
  );
}

function Nothing() {
  const words =
    searches.value.length === 0
      ? "Choose a field and a condition, or type a text, and press Search. Matches are listed here and marked on the timeline; N and P go from one to the next."
      : nothingText(searches.value);
  return (
    <p class="pane-empty" data-testid="matches-empty">
      {words}
    </p>
  );
}
