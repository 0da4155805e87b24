/** Every view at a glance: its entity's name, its status, its key values and how old they are. */

import { useRef, useState } from "preact/hooks";
import { alarmsOf } from "../model/alarms";
import { type Card, glance, keySpec, nameOfCard, statusOf } from "../model/card";
import { cards, statesAwaited, statesTrouble } from "../model/cards";
import { entities, select, selected } from "../model/entities";
import { entityKey } from "../model/event";
import { wanted } from "../model/gallery";
import { type Group, groups, type Place } from "../model/shields";
import { AlarmCounts } from "./AlarmCounts";
import { moveFocus } from "./grid_focus";
import { Empty, Pane, Trouble } from "./Pane";
import { Age, Reading } from "./Reading";
import { Status } from "./Status";

/** More shields than these are drawn only when they are asked for. */
const DRAWN_MAX = 400;

export function Shields() {
  const [most, setMost] = useState(DRAWN_MAX);
  return (
    <Pane id="shields" tools={<AlarmCounts />}>
      <Trouble text={statesTrouble.value} />
      <Content most={most} more={() => setMost(most + DRAWN_MAX)} />
    </Pane>
  );
}

function Content({ most, more }: { most: number; more: () => void }) {
  const all = groups.value;
  if (all.length === 0) {
    if (entities.value === null) return <Empty>Looking for entities…</Empty>;
    return <Empty testid="shields-empty">No shields yet: they come with the first update of a view (ui lane).</Empty>;
  }
  const count = all.reduce((sum, { places }) => sum + places.length, 0);
  const drawn = cut(all, most);
  return (
    <div class={`scroll wall ${statesAwaited.value ? "awaited-soon" : ""}`} aria-busy={statesAwaited.value}>
      <Wall drawn={drawn} />
      {count > most && (
        <button type="button" class="more" onClick={more}>
          Show more of {count.toLocaleString("en")}
        </button>
      )}
    </div>
  );
}

/** The first so many places of groups. */
function cut(all: readonly Group[], most: number): readonly Group[] {
  let left = most;
  return all.flatMap((group) => {
    const places = group.places.slice(0, Math.max(0, left));
    left -= group.places.length;
    return places.length === 0 ? [] : [{ ...group, places }];
  });
}

function Wall({ drawn }: { drawn: readonly Group[] }) {
  const element = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState<string | null>(null);
  const places = drawn.flatMap((group) => group.places);
  const chosen = places.find((place) => selected.value !== null && entityKey(place) === entityKey(selected.value));
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
            <span class="muted">{group.scopeId} ›</span> {group.systemId}
          </div>
          <div class="shields" role="presentation">
            {group.places.map((place) => (
              <Shield
                key={place.id}
                place={place}
                isChosen={selected.value !== null && entityKey(place) === entityKey(selected.value)}
                isCurrent={place.id === current}
                choose={() => {
                  setAt(place.id);
                  select(place);
                  wanted.value = place.id;
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
  place: Place;
  isChosen: boolean;
  isCurrent: boolean;
  choose: () => void;
}

function Shield({ place, isChosen, isCurrent, choose }: ShieldProps) {
  const card = cards.value.get(place.id)?.value;
  const verdict = card === undefined ? undefined : statusOf(card);
  const isAcknowledged =
    card !== undefined && card.outs.length > 0 && alarmsOf(card).every(({ acknowledged }) => acknowledged !== undefined);
  return (
    <div
      role="option"
      class={`shield ${verdict ?? "none"} ${isAcknowledged ? "acknowledged" : ""} ${isChosen ? "chosen" : ""}`}
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
        <Status verdict={verdict} acknowledged={isAcknowledged} />
        <span class="name" title={entityKey(place)}>
          {place.uniqueId}
        </span>
        <span class="container">{card === undefined ? place.containerId : nameOfCard(card)}</span>
        {card !== undefined && <Age time={timeOf(card)} />}
      </span>
      {card === undefined ? <NothingYet place={place} /> : <Values card={card} />}
    </div>
  );
}

function timeOf(card: Card): string {
  return card.view.order.slice(0, card.view.order.indexOf(" "));
}

function NothingYet({ place }: { place: Place }) {
  const words = statesAwaited.value ? "…" : place.viewId === "" ? "says nothing of itself" : "nothing yet at this time";
  return <span class="muted shield-nothing">{words}</span>;
}

function Values({ card }: { card: Card }) {
  const keys = glance(card);
  return (
    <span class="shield-values" title={nameOfCard(card)}>
      {keys.map((key) => (
        <span key={key} class="shield-value" data-key={key}>
          <span class="label">{keySpec(card, key).title ?? key}</span>
          <Reading card={card} name={key} />
        </span>
      ))}
    </span>
  );
}
