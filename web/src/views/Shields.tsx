/** Every view at a glance: its entity's name, status, key values and their age. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { alarmsPending } from "../model/alarms/alarm_states";
import { isAcknowledged, statusOf } from "../model/alarms/card_alarms";
import { type Card, cardName, cardShieldKeys, cardTitle, keySpec } from "../model/cards/card";
import { cardAt, isOpenPlace, openCard } from "../model/cards/card_list";
import { moreStatesPending, statesError, statesPending } from "../model/cards/cards";
import { placesIn, shieldBlocks } from "../model/cards/shield_blocks";
import { type CardPlace, type ShieldGroup, shieldGroups } from "../model/cards/shields";
import { staleViews } from "../model/cards/stale_views";
import { edgeCards } from "../model/edge/edge_cards";
import { entities } from "../model/entities/entities";
import { entityName } from "../model/entities/entity_names";
import { scrolling } from "../model/page/scrolling";
import { entityKey } from "../model/values/event";
import { AlarmCounts } from "./AlarmCounts";
import { Blocks } from "./Blocks";
import { moveFocus } from "./grid_focus";
import { Empty, ErrorNotice, Pane } from "./Pane";
import { CardAge, CardValue } from "./CardValue";
import { Status } from "./Status";

/** The room of a shield in a row, with the gap behind it, and that of the wall around the rows; as in cards.css. */
const [SHIELD_PX, GAP_PX, EDGES_PX] = [160, 5, 12];
/** The height of a shield's share of the wall, until one is drawn. */
const ITEM_PX = 20;

export function Shields() {
  return (
    <Pane id="shields" tools={<AlarmCounts />}>
      <ErrorNotice text={statesError.value} />
      <Content />
    </Pane>
  );
}

function Content() {
  if (shieldGroups.value.length > 0) return <Wall />;
  if (entities.value === null) return <Empty>Loading entities…</Empty>;
  return <Empty testid="shields-empty">No shields yet. An entity gets one with its first view update (ui lane).</Empty>;
}

function Wall() {
  const element = useRef<HTMLDivElement>(null);
  const scrolled = useMemo(scrolling, []);
  useEffect(() => scrolled.watch(element.current as HTMLElement), []);
  const [at, setAt] = useState<string | null>(null);
  const groups = shieldGroups.value;
  const columns = Math.max(1, Math.floor((scrolled.width.value - EDGES_PX + GAP_PX) / (SHIELD_PX + GAP_PX)));
  const blocks = useMemo(() => shieldBlocks(groups, columns), [groups, columns]);
  const places = useMemo(() => groups.flatMap((group) => group.places), [groups]);
  const current = (places.find(({ id }) => id === at) ?? places.find(isOpenPlace) ?? places[0])?.id;
  const choose = (place: CardPlace) => {
    setAt(place.id);
    openCard(place);
  };
  const focusEnd = (place: CardPlace) => {
    setAt(place.id);
    // It may have to be drawn first.
    requestAnimationFrame(() => element.current?.querySelector<HTMLElement>(`[data-place="${CSS.escape(place.id)}"]`)?.focus());
  };
  return (
    <div ref={element} class={`scroll wall ${statesPending.value ? "awaited-soon" : ""}`} aria-busy={moreStatesPending.value || alarmsPending.value}>
      <div role="listbox" aria-label="Shields" onKeyDown={(event) => moveInWall(event, places, focusEnd)}>
        <Blocks
          counts={blocks.map(placesIn)}
          itemPx={ITEM_PX}
          scrolled={scrolled}
          held={blocks.findIndex((block) => block.some((group) => group.places.some(({ id }) => id === current)))}
          blockClass="shield-block"
          draw={(block) =>
            blocks[block]?.map((group) => (
              <Group key={group.key} group={group} isFirst={isFirstPart(groups, group)} current={current} choose={choose} focused={setAt} />
            ))
          }
        />
      </div>
    </div>
  );
}

/** Home and End lead to shields that may not be drawn; the others are beside the one with the focus. */
function moveInWall(event: KeyboardEvent, places: readonly CardPlace[], focusEnd: (place: CardPlace) => void): void {
  const end = event.key === "Home" ? places[0] : event.key === "End" ? places.at(-1) : undefined;
  if (end === undefined || event.ctrlKey || event.metaKey || event.altKey) {
    moveFocus(event, event.currentTarget as HTMLElement, "[role=option]");
    return;
  }
  event.preventDefault();
  event.stopPropagation();
  focusEnd(end);
}

function isFirstPart(groups: readonly ShieldGroup[], part: ShieldGroup): boolean {
  return groups.some(({ key, places }) => key === part.key && places[0]?.id === part.places[0]?.id);
}

interface GroupProps {
  group: ShieldGroup;
  /** Whether it begins here, or continues that of the block above. */
  isFirst: boolean;
  /** The shield that the tabulator leads to. */
  current: string | undefined;
  choose: (place: CardPlace) => void;
  focused: (id: string) => void;
}

function Group({ group, isFirst, current, choose, focused }: GroupProps) {
  return (
    <div role="group" aria-label={group.key} class="shield-group">
      {isFirst && (
        <div class="shield-heading" aria-hidden="true">
          {group.scopeId !== "" && <span class="muted">{group.scopeId} › </span>}
          {group.systemId}
        </div>
      )}
      <div class="shields" role="presentation">
        {group.places.map((place) => (
          <Shield
            key={place.id}
            place={place}
            isChosen={isOpenPlace(place)}
            isCurrent={place.id === current}
            choose={() => choose(place)}
            focused={() => focused(place.id)}
          />
        ))}
      </div>
    </div>
  );
}

interface ShieldProps {
  place: CardPlace;
  isChosen: boolean;
  isCurrent: boolean;
  choose: () => void;
  focused: () => void;
}

function Shield({ place, isChosen, isCurrent, choose, focused }: ShieldProps) {
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
      onFocus={focused}
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
  const words = moreStatesPending.value ? "…" : place.viewId === "" ? "no views" : "no data at this time";
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
