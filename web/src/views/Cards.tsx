/** The cards of entities: all their values, in the groups of their manifests. */

import { useEffect, useMemo, useRef } from "preact/hooks";
import { alarmRefusal } from "../model/alarms/alarm_actions";
import { alarmsPending, alarmsTrouble } from "../model/alarms/alarm_states";
import { isOutOfLimits } from "../model/alarms/card_alarms";
import {
  CARD_CHOICES,
  type CardChoice,
  cardChoice,
  cardSearch,
  chooseCards,
  requestedCard,
  shownCards,
} from "../model/cards/card_list";
import { cards, moreStatesPending, statesError, statesPending, statesTime } from "../model/cards/cards";
import { selectedEntity } from "../model/entities/entities";
import { inBlocks } from "../model/page/blocks";
import { scrolling } from "../model/page/scrolling";
import { Blocks } from "./Blocks";
import { CardView } from "./CardView";
import { Empty, ErrorNotice, Pane } from "./Pane";

/** Cards that are drawn or not together, in columns of their own. */
const BLOCK_CARDS = 12;
/** The height of a card's share of the columns, until one is drawn. */
const ITEM_PX = 80;

export function Cards() {
  return (
    <Pane id="cards" tools={<Tools />}>
      <ErrorNotice text={statesError.value} />
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
        value={cardSearch.value}
        onInput={(event) => (cardSearch.value = event.currentTarget.value)}
      />
      <select
        aria-label="Which cards"
        data-testid="card-choice"
        value={cardChoice.value}
        onChange={(event) => chooseCards(event.currentTarget.value as CardChoice)}
      >
        {Object.entries(CARD_CHOICES).map(([name, words]) => (
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
  const scrolled = useMemo(scrolling, []);
  const all = shownCards.value;
  const isEmpty = all.length === 0;
  const blocks = useMemo(() => inBlocks(all, BLOCK_CARDS), [all]);
  useEffect(() => (element.current === null ? undefined : scrolled.watch(element.current)), [isEmpty]);
  useEffect(() => {
    if (requestedCard.value === null) return;
    element.current?.querySelector(`[data-card="${CSS.escape(requestedCard.value)}"]`)?.scrollIntoView({ block: "nearest" });
  }, [requestedCard.value]);
  if (isEmpty) return <NoCards />;
  return (
    <>
      {alarmsTrouble.value !== "" && (
        <p class="pane-trouble" role="status" data-testid="cards-behind">
          {alarmsTrouble.value}
        </p>
      )}
      {alarmRefusal.value !== "" && all.some(({ id }) => isOutOfLimits(id)) && (
        <p class="card-note" data-testid="ack-refusal">
          {alarmRefusal.value}
        </p>
      )}
      <div
        ref={element}
        class={`scroll ${statesPending.value ? "awaited-soon" : ""}`}
        aria-busy={moreStatesPending.value || alarmsPending.value}
        tabIndex={0}
        role="region"
        aria-label="Values of the cards"
        data-testid="cards-shown"
      >
        <AsOf />
        <Blocks
          counts={blocks.map((block) => block.length)}
          itemPx={ITEM_PX}
          scrolled={scrolled}
          held={blocks.findIndex((block) => block.some(({ id }) => id === requestedCard.value))}
          blockClass="cards"
          draw={(block) => blocks[block]?.map((place) => <CardView key={place.id} place={place} />)}
        />
      </div>
    </>
  );
}

/** The time of the cards, for programs that read the page. */
function AsOf() {
  return <span hidden data-testid="cards-as-of" data-time={statesTime.value ?? ""} />;
}

function NoCards() {
  return <Empty testid="cards-empty">{reason()}</Empty>;
}

function reason(): string {
  if (cardSearch.value.trim() !== "") return `Nothing matches “${cardSearch.value}”.`;
  if (cardChoice.value === "alarms") return reasonOfNoAlarms();
  if (cardChoice.value !== "all" && selectedEntity.value === null) return "Select an entity, or show all cards.";
  if (statesPending.value && cards.value.size === 0) return "Loading cards…";
  return "No cards yet. An entity gets one with its first view update (ui lane).";
}

/** Nothing is said to be within limits that is not judged. */
function reasonOfNoAlarms(): string {
  if (cards.value.size === 0) return "No data yet.";
  return alarmsTrouble.value || (alarmsPending.value ? "Loading alarms…" : "All values are within limits.");
}
