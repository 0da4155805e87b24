/** A card: rows of values in groups, each with its past, its unit, its age, and its alarm if it has one. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { type Alarm, alarmsOf } from "../model/alarms";
import { type Card, drawnKeys, keySpec, nameOfCard, rowsOf, statusOf } from "../model/card";
import { cards, statesAwaited } from "../model/cards";
import { selected, select } from "../model/entities";
import { entityKey } from "../model/event";
import { wanted } from "../model/gallery";
import { isOut, verdictOf } from "../model/limits";
import { timeIn } from "../model/order";
import type { Place } from "../model/shields";
import { toMs } from "../model/time";
import { noteSight } from "../model/trends";
import { AlarmLine } from "./AlarmLine";
import { Age, Reading } from "./Reading";
import { SparklineOf } from "./SparklineOf";
import { Status } from "./Status";

/** A value that is older than its card's newest by so much has an age of its own. */
const OLDER_MS = 15_000;

export function CardView({ place }: { place: Place }) {
  const element = useRef<HTMLElement>(null);
  useEffect(() => watchSight(element.current as HTMLElement, place.id), [place.id]);
  const card = cards.value.get(place.id)?.value;
  const isChosen = selected.value !== null && entityKey(selected.value) === entityKey(place);
  const heading = `card-${place.id.replaceAll(" ", "_")}`;
  return (
    <article
      ref={element}
      class={`view-card ${card === undefined ? "none" : (statusOf(card) ?? "none")} ${isChosen ? "chosen" : ""} ${
        wanted.value === place.id ? "wanted" : ""
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
          <button type="button" class="card-name" onClick={() => select(place)} title={`Choose ${place.uniqueId}`}>
            {place.uniqueId}
          </button>
        </h3>
        <span class="card-title muted">{card === undefined ? place.viewId : nameOfCard(card)}</span>
        {card !== undefined && <Age time={timeIn(card.view.order)} />}
      </header>
      {card === undefined ? (
        <p class="muted card-nothing">{statesAwaited.value ? "…" : "Nothing was known of it at this time."}</p>
      ) : (
        <Body card={card} />
      )}
    </article>
  );
}

/** Only of cards in sight is the past asked for. */
function watchSight(element: HTMLElement, id: string): () => void {
  const observer = new IntersectionObserver((seen) => noteSight(id, seen.some((one) => one.isIntersecting)));
  observer.observe(element);
  return () => {
    observer.disconnect();
    noteSight(id, false);
  };
}

function Body({ card }: { card: Card }) {
  const alarms = new Map(alarmsOf(card).map((alarm) => [alarm.out.key, alarm]));
  const drawn = new Set(drawnKeys(card));
  const groups = rowsOf(card);
  const silent = groups.flatMap(({ keys }) => keys).filter((key) => !card.cells.has(key));
  return (
    <>
      <table class="card-rows">
        {groups.map(({ title, keys }) => (
          <Group key={title} title={title}>
            {keys
              .filter((key) => card.cells.has(key))
              .map((key) => (
                <Row key={key} card={card} name={key} isDrawn={drawn.has(key)} alarm={alarms.get(key)} />
              ))}
          </Group>
        ))}
      </table>
      {silent.length > 0 && (
        <p class="card-foot muted" data-testid="card-silent">
          No value: {silent.map((key) => keySpec(card, key).title ?? key).join(", ")}
        </p>
      )}
      {card.manifest === undefined && (
        <p class="card-foot muted">
          No manifest {card.view.manifestId} {card.view.manifestVersion}: shown as it is.
        </p>
      )}
    </>
  );
}

/** Rows under their title; a group of which nothing is known yet is not there. */
function Group({ title, children }: { title: string; children: ComponentChildren[] }) {
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
  alarm: Alarm | undefined;
}

function Row({ card, name, isDrawn, alarm }: RowProps) {
  const cell = card.cells.get(name);
  const spec = keySpec(card, name);
  const verdict = cell === undefined ? undefined : verdictOf(cell.value, spec);
  const isOlder = cell !== undefined && toMs(timeIn(card.view.order)) - toMs(timeIn(cell.order)) >= OLDER_MS;
  return (
    <>
      <tr class={isOut(verdict) ? verdict : ""} data-testid="card-row" data-key={name} data-verdict={verdict ?? ""}>
        <th scope="row" title={spec.title == null ? undefined : name}>
          {spec.title ?? name}
        </th>
        <td class="trend">{isDrawn && <SparklineOf card={card} name={name} />}</td>
        <td class={`value ${typeof cell?.value === "number" ? "number" : ""}`}>
          <Reading card={card} name={name} />
        </td>
        <td class="own-age">{isOlder && <Age time={timeIn(cell.order)} />}</td>
      </tr>
      {alarm !== undefined && <AlarmLine alarm={alarm} />}
    </>
  );
}
