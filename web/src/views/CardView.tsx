/** A card: rows of values in groups, each with its sparkline, unit, age and alarm. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { AlarmInfo } from "../api/protocol";
import { alarmKey } from "../model/alarms/alarm_window";
import { alarmsOfKey, statusOf, verdictOf } from "../model/alarms/card_alarms";
import { type Card, cardName, cardRows, cardSparklineKeys, cardTitle, keySpec } from "../model/cards/card";
import { cardAt, isOpenPlace, openCard, requestedCard } from "../model/cards/card_list";
import { moreStatesPending } from "../model/cards/cards";
import { staleViews } from "../model/cards/stale_views";
import type { CardPlace } from "../model/cards/shields";
import { cardSeries, setInSight } from "../model/cards/sparkline_data";
import { openForm } from "../model/commands/command_panel";
import { type EdgeCard, edgeCards } from "../model/edge/edge_cards";
import { entityName } from "../model/entities/entity_names";
import { startFieldDrag } from "../model/layout/field_drag";
import { orderTime } from "../model/values/event_order";
import { toMs } from "../model/values/time";
import { AlarmLine } from "./AlarmLine";
import { CardControls } from "./CardControls";
import { CardAge, CardValue } from "./CardValue";
import { CardSparkline } from "./CardSparkline";
import { FitButton } from "./FitButton";
import { Status } from "./Status";

/** A value that is older than its card's newest by this much shows its own age. */
const OLDER_MS = 15_000;

export function CardView({ place }: { place: CardPlace }) {
  const element = useRef<HTMLElement>(null);
  useEffect(() => observeSight(element.current as HTMLElement, place.id), [place.id]);
  const card = cardAt(place.id);
  const ofEdge = edgeCards.value.get(place.id);
  const name = card === undefined ? entityName(place) : cardName(card);
  const isChosen = isOpenPlace(place);
  const heading = `card-${place.id.replaceAll(" ", "_")}`;
  return (
    <article
      ref={element}
      class={`view-card ${card === undefined ? "none" : (statusOf(card) ?? "none")} ${isChosen ? "chosen" : ""} ${
        requestedCard.value === place.id ? "wanted" : ""
      }`}
      aria-labelledby={heading}
      data-testid="card"
      data-card={place.id}
      data-entity={place.uniqueId}
      data-default={card !== undefined && card.manifest === undefined}
    >
      <header class="card-head">
        <Status verdict={card === undefined ? undefined : statusOf(card)} />
        <h3 id={heading}>
          <button type="button" class="card-name" onClick={() => openCard(place)} title={`Select ${name}`}>
            {name}
          </button>
        </h3>
        <span class="card-title muted">{card === undefined ? place.viewId : cardTitle(card)}</span>
        {ofEdge === undefined && <FitButton entity={place} />}
        {card !== undefined && ofEdge === undefined && <CardAge time={orderTime(card.view.order)} isStale={staleViews.value.has(card.id)} />}
      </header>
      {card === undefined ? (
        <p class="muted card-nothing">{moreStatesPending.value ? "…" : "No data at this time."}</p>
      ) : (
        <Body card={card} ofEdge={ofEdge} />
      )}
    </article>
  );
}

/** Samples are requested only for visible cards. */
function observeSight(element: HTMLElement, id: string): () => void {
  const observer = new IntersectionObserver((seen) => setInSight(id, seen.some((one) => one.isIntersecting)));
  observer.observe(element);
  return () => {
    observer.disconnect();
    setInSight(id, false);
  };
}

function Body({ card, ofEdge }: { card: Card; ofEdge: EdgeCard | undefined }) {
  const drawn = new Set(cardSparklineKeys(card));
  const groups = cardRows(card);
  const silent = groups.flatMap(({ keys }) => keys).filter((key) => !card.cells.has(key));
  return (
    <>
      {ofEdge !== undefined && <CardControls of={ofEdge} />}
      <table class="card-rows">
        {groups.map(({ title, keys }) => (
          <CardGroup key={title} title={title}>
            {keys
              .filter((key) => card.cells.has(key))
              .map((key) => (
                <CardRow key={key} card={card} name={key} isDrawn={drawn.has(key)} alarms={alarmsOfKey(card.id, key)} />
              ))}
          </CardGroup>
        ))}
      </table>
      {silent.length > 0 && ofEdge === undefined && (
        <p class="card-foot muted" data-testid="card-silent">
          No value: {silent.map((key) => keySpec(card, key).title ?? key).join(", ")}
        </p>
      )}
      {card.manifest === undefined && (
        <p class="card-foot muted">
          No manifest {card.view.manifestId} {card.view.manifestVersion}: keys are shown unformatted.
        </p>
      )}
      {ofEdge === undefined && <Actions card={card} />}
    </>
  );
}

/** The card's actions; each opens its form in the command panel. */
function Actions({ card }: { card: Card }) {
  const actions = card.manifest?.actions ?? [];
  if (actions.length === 0) return null;
  const { scopeId, systemId, containerId, uniqueId } = card.view;
  return (
    <div class="card-actions" role="group" aria-label={`Commands to ${uniqueId}`}>
      {actions.map((action) => (
        <button
          key={action.commandType}
          type="button"
          data-testid="card-action"
          data-command={action.commandType}
          onClick={() => openForm({ scopeId, systemId, containerId, uniqueId }, action)}
        >
          {action.title}…
        </button>
      ))}
    </div>
  );
}

/** Rows under their title; a group without values is not shown. */
function CardGroup({ title, children }: { title: string; children: ComponentChildren[] }) {
  if (children.length === 0) return null;
  return (
    <tbody>
      {title !== "" && (
        <tr class="card-group">
          <th scope="rowgroup" colSpan={4}>
            {title}
          </th>
        </tr>
      )}
      {children}
    </tbody>
  );
}

interface RowProps {
  card: Card;
  name: string;
  isDrawn: boolean;
  alarms: readonly AlarmInfo[];
}

function CardRow({ card, name, isDrawn, alarms }: RowProps) {
  const cell = card.cells.get(name);
  const spec = keySpec(card, name);
  const verdict = cell === undefined ? undefined : verdictOf(card, name);
  const isOlder = cell !== undefined && toMs(orderTime(card.view.order)) - toMs(orderTime(cell.order)) >= OLDER_MS;
  return (
    <>
      <tr class={verdict === "ok" ? "" : (verdict ?? "")} data-testid="card-row" data-key={name} data-verdict={verdict ?? ""}>
        <th scope="row" title={spec.title == null ? undefined : name}>
          {typeof cell?.value === "number" && !edgeCards.value.has(card.id) ? (
            <span class="field-grip" onPointerDown={(event) => startFieldDrag({ series: cardSeries(card), field: name }, event)}>
              {spec.title ?? name}
            </span>
          ) : (
            (spec.title ?? name)
          )}
        </th>
        <td class="trend">{isDrawn && <CardSparkline card={card} name={name} />}</td>
        <td class={`value ${typeof cell?.value === "number" ? "number" : ""}`}>
          <CardValue card={card} name={name} />
        </td>
        <td class="own-age">{isOlder && <CardAge time={orderTime(cell.order)} />}</td>
      </tr>
      {alarms.map((alarm) => (
        <AlarmLine key={alarmKey(alarm)} alarm={alarm} spec={spec} />
      ))}
    </>
  );
}
