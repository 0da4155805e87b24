/** The cards of entities: all their values, in the groups of their manifests. */

import { useEffect, useRef, useState } from "preact/hooks";
import { refusal } from "../model/acknowledging";
import { alarms } from "../model/alarms";
import { cards, statesAwaited, statesTime, statesTrouble } from "../model/cards";
import { selected } from "../model/entities";
import { CHOICES, type Choice, choice, search, shownCards, wanted } from "../model/gallery";
import { CardView } from "./CardView";
import { Empty, Pane, Trouble } from "./Pane";

/** More cards than these are drawn only when they are asked for. */
const DRAWN_MAX = 60;

export function Cards() {
  return (
    <Pane id="cards" tools={<Tools />}>
      <Trouble text={statesTrouble.value} />
      <Content />
    </Pane>
  );
}

function Tools() {
  return (
    <>
      <input
        type="search"
        placeholder="Search"
        aria-label="Search cards"
        data-testid="card-search"
        value={search.value}
        onInput={(event) => (search.value = event.currentTarget.value)}
      />
      <select
        aria-label="Which cards"
        data-testid="card-choice"
        value={choice.value}
        onChange={(event) => (choice.value = event.currentTarget.value as Choice)}
      >
        {Object.entries(CHOICES).map(([name, words]) => (
          <option key={name} value={name}>
            {words}
          </option>
        ))}
      </select>
    </>
  );
}

function Content() {
  const element = useRef<HTMLDivElement>(null);
  const [most, setMost] = useState(DRAWN_MAX);
  const all = shownCards.value;
  useEffect(() => {
    if (wanted.value === null) return;
    element.current?.querySelector(`[data-card="${CSS.escape(wanted.value)}"]`)?.scrollIntoView({ block: "nearest" });
  }, [wanted.value]);
  if (all.length === 0) return <NoCards />;
  return (
    <>
      {alarms.value.length > 0 && refusal.value !== "" && (
        <p class="card-note" data-testid="ack-refusal">
          {refusal.value}
        </p>
      )}
      <div
        ref={element}
        class={`scroll ${statesAwaited.value ? "awaited-soon" : ""}`}
        aria-busy={statesAwaited.value}
        tabIndex={0}
        role="region"
        aria-label="Values of the cards"
        data-testid="cards-shown"
      >
        <AsOf />
        <div class="cards">
          {all.slice(0, most).map((place) => (
            <CardView key={place.id} place={place} />
          ))}
        </div>
        {all.length > most && (
          <button type="button" class="more" onClick={() => setMost(most + DRAWN_MAX)}>
            Show more of {all.length.toLocaleString("en")}
          </button>
        )}
      </div>
    </>
  );
}

/** Which time the cards are of, for who reads the page by program. */
function AsOf() {
  return <span hidden data-testid="cards-as-of" data-time={statesTime.value ?? ""} />;
}

function NoCards() {
  return <Empty testid="cards-empty">{reason()}</Empty>;
}

function reason(): string {
  if (search.value.trim() !== "") return `Nothing matches “${search.value}”.`;
  if (choice.value === "alarms") return cards.value.size === 0 ? "No values are known." : "Nothing is out of limits.";
  if (choice.value !== "all" && selected.value === null) return "Choose an entity, or show all cards.";
  if (statesAwaited.value && cards.value.size === 0) return "Asking for the cards…";
  return "No card yet: entities have one as soon as they publish an update of a view (ui lane).";
}
