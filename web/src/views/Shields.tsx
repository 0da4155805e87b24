/** Every view at a glance: its entity's name, status, key values and their age. */

import { useRef, useState } from "preact/hooks";
import { alarmsPending } from "../model/alarms/alarm_states";
import { isAcknowledged, statusOf } from "../model/alarms/card_alarms";
import { type Card, cardName, cardShieldKeys, cardTitle, keySpec } from "../model/cards/card";
import { cardAt, isOpenPlace, openCard } from "../model/cards/card_list";
import { statesError, statesPending } from "../model/cards/cards";
import { type CardPlace, type ShieldGroup, shieldGroups } from "../model/cards/shields";
import { staleViews } from "../model/cards/stale_views";
import { edgeCards } from "../model/edge/edge_cards";
import { entities } from "../model/entities/entities";
import { entityName } from "../model/entities/entity_names";
import { entityKey } from "../model/values/event";
import { AlarmCounts } from "./AlarmCounts";
import { moveFocus } from "./grid_focus";
import { Empty, ErrorNotice, Pane } from "./Pane";
import { CardAge, CardValue } from "./CardValue";
import { Status } from "./Status";

/** More shields than these are drawn only on request. */
const DRAWN_MAX = 400;

export function Shields() {
  const [most, setMost] = useState(DRAWN_MAX);
  return (
    <Pane id="shields" tools={<AlarmCounts />}>
      <ErrorNotice text={statesError.value} />
      <Content most={most} more={() => setMost(most + DRAWN_MAX)} />
    </Pane>
  );
}

function Content({ most, more }: { most: number; more: () => void }) {
  const all = shieldGroups.value;
  if (all.length === 0) {
    if (entities.value === null) return <Empty>Loading entities…</Empty>;
    return <Empty testid="shields-empty">No shields yet. An entity gets one with its first view update (ui lane).</Empty>;
  }
  const count = all.reduce((sum, { places }) => sum + places.length, 0);
  const drawn = firstPlaces(all, most);
  return (
    <div class={`scroll wall ${statesPending.value ? "awaited-soon" : ""}`} aria-busy={statesPending.value || alarmsPending.value}>
      <Wall drawn={drawn} />
      {count > most && (
        <button type="button" class="more" onClick={more}>
          Show more of {count.toLocaleString("en")}
        </button>
      )}
    </div>
  );
}

/** The first places of groups, at most this many. */
function firstPlaces(all: readonly ShieldGroup[], most: number): readonly ShieldGroup[] {
  let left = most;
  return all.flatMap((group) => {
    const places = group.places.slice(0, Math.max(0, left));
    left -= group.places.length;
    return places.length === 0 ? [] : [{ ...group, places }];
  });
}

function Wall({ drawn }: { drawn: readonly ShieldGroup[] }) {
  const element = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState<string | null>(null);
  const places = drawn.flatMap((group) => group.places);
  const chosen = places.find(isOpenPlace);
  const current = places.some(({ id }) => id === at) ? at : (chosen?.id ?? places[0]?.id);
  return (
    <div
      role="listbox"
      aria-label="Shields"
      ref={element}
      onKeyDown={(event) => moveFocus(event, element.current as HTMLElement, "[role=option]")}
    >
      {drawn.map((group) => (
        <div key={group.key} role="group" aria-label={group.key} class="shield-group">
          <div class="shield-heading" aria-hidden="true">
            {group.scopeId !== "" && <span class="muted">{group.scopeId} › </span>}
            {group.systemId}
          </div>
          <div class="shields" role="presentation">
            {group.places.map((place) => (
              <Shield
                key={place.id}
                place={place}
                isChosen={isOpenPlace(place)}
                isCurrent={place.id === current}
                choose={() => {
                  setAt(place.id);
                  openCard(place);
                }}
              />
            ))}
          </div>
        </div>
      ))}
    </div>
  );
}

interface ShieldProps {
  place: CardPlace;
  isChosen: boolean;
  isCurrent: boolean;
  choose: () => void;
}

function Shield({ place, isChosen, isCurrent, choose }: ShieldProps) {
  const card = cardAt(place.id);
  const isOfEdge = edgeCards.value.has(place.id);
  const verdict = card === undefined ? undefined : statusOf(card);
  const isSeen = card !== undefined && isAcknowledged(card);
  return (
    <div
      role="option"
      class={`shield ${verdict ?? "none"} ${isSeen ? "acknowledged" : ""} ${isChosen ? "chosen" : ""}`}
      aria-selected={isChosen}
      tabIndex={isCurrent ? 0 : -1}
      data-testid="shield"
      data-place={place.id}
      data-status={verdict ?? "none"}
      onClick={choose}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        event.stopPropagation();
        choose();
      }}
    >
      <span class="shield-head">
        <Status verdict={verdict} acknowledged={isSeen} />
        <span class="name" title={entityKey(place)}>
          {card === undefined ? entityName(place) : cardName(card)}
        </span>
        <span class="container">{card === undefined ? place.containerId : cardTitle(card)}</span>
        {card !== undefined && !isOfEdge && <CardAge time={cardTime(card)} isStale={staleViews.value.has(card.id)} />}
      </span>
      {card === undefined ? <NothingYet place={place} /> : <Values card={card} />}
    </div>
  );
}

function cardTime(card: Card): string {
  return card.view.order.slice(0, card.view.order.indexOf(" "));
}

function NothingYet({ place }: { place: CardPlace }) {
  const words = statesPending.value ? "…" : place.viewId === "" ? "no views" : "no data at this time";
  return <span class="muted shield-nothing">{words}</span>;
}

function Values({ card }: { card: Card }) {
  const keys = cardShieldKeys(card);
  return (
    <span class="shield-values" title={cardTitle(card)}>
      {keys.map((key) => (
        <span key={key} class="shield-value" data-key={key}>
          <span class="label">{keySpec(card, key).title ?? key}</span>
          <CardValue card={card} name={key} />
        </span>
      ))}
    </span>
  );
}
