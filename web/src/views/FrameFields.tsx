/** A frame beside the fields of its message: selecting a field shows its bits, and selecting a byte its field. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import {
  beyondText,
  bitsOf,
  bytesOfPlace,
  type FieldPlace,
  fieldsAt,
  frameField,
  type FrameFields as Found,
  placeText,
  requestFrameFields,
} from "../model/events/frame_fields";
import { type StoredEvent, valueRows, valueText } from "../model/values/event";
import { bytesOf } from "../model/values/hex";

const ROW_BYTES = 8;
/** Longer fields, such as images, show only the begin of their bits. */
const SHOWN_BITS = 256;

export function FrameFields({ event }: { event: StoredEvent }) {
  const [found, setFound] = useState<Found>();
  const [error, setError] = useState("");
  useEffect(() => {
    requestFrameFields(event).then(setFound, (failure: Error) => setError(failure.message));
  }, [event.eventId]);
  if (error !== "") return <p class="pane-trouble">{error}</p>;
  if (found === undefined) return <p class="muted">Loading the frame…</p>;
  if (found.message === undefined) return <p class="muted">No message of this entity has the time of this frame.</p>;
  if (found.frames.length === 0) return <p class="muted">No frame of this entity has the time of this message.</p>;
  if (found.places.length === 0) {
    return <p class="muted">Nothing says where the fields of {found.message.messageType} are: its producer publishes no FrameLayout.</p>;
  }
  return <Both found={found} message={found.message} />;
}

function Both({ found: { frames, places }, message }: { found: Found; message: StoredEvent }) {
  const [at, setAt] = useState(0);
  const frame = frames[at];
  const bytes = useMemo(() => bytesOf(frame?.bytes ?? ""), [frame]);
  if (bytes === undefined) return <p class="muted">The frame is not valid base64.</p>;
  const selected = places.find(({ field }) => field === frameField.value);
  return (
    <div class="frame-fields" data-testid="frame-fields">
      {frames.length > 1 && (
        <p class="muted">
          {frames.length} frames have this time; this is the {at + 1}.{" "}
          <button type="button" onClick={() => setAt((at + 1) % frames.length)}>
            Next frame
          </button>
        </p>
      )}
      <div class="frame-sight">
        <Bytes bytes={bytes} places={places} selected={selected} />
        <p class="frame-bits" role="status" data-testid="frame-bits">
          {selected === undefined ? "Select a field, or a byte of the frame." : <Bits bytes={bytes} place={selected} />}
        </p>
      </div>
      <Fields message={message} places={places} />
    </div>
  );
}

interface BytesProps {
  bytes: Uint8Array;
  places: readonly FieldPlace[];
  selected: FieldPlace | undefined;
}

/** Only as much as the layout describes: what is behind is in the hex view. */
function Bytes({ bytes, places, selected }: BytesProps) {
  const last = Math.max(...places.map((place) => bytesOfPlace(place)[1]));
  const count = Math.min(bytes.length, Math.ceil(last / ROW_BYTES) * ROW_BYTES);
  const rows = Array.from({ length: Math.ceil(count / ROW_BYTES) }, (_, row) => row * ROW_BYTES);
  const shown = useRef<HTMLDivElement>(null);
  useEffect(() => showSelected(shown.current), [selected]);
  return (
    <div class="frame-rows" ref={shown} tabIndex={0} role="region" aria-label="Rows of the frame">
      <table class="frame-bytes" aria-label="Bytes of the frame">
        <tbody>
          {rows.map((offset) => (
            <tr key={offset}>
              <th scope="row">{offset}</th>
              {Array.from(bytes.subarray(offset, Math.min(offset + ROW_BYTES, count)), (byte, index) => (
                <Byte key={index} byte={byte} at={offset + index} places={places} selected={selected} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Scroll the bytes alone: what was pressed stays where it is. */
function showSelected(rows: HTMLElement | null): void {
  const row = rows?.querySelector(".selected")?.closest("tr");
  if (rows == null || row == null) return;
  const [low, high] = [row.offsetTop, row.offsetTop + row.offsetHeight];
  if (low < rows.scrollTop) rows.scrollTop = low;
  else if (high > rows.scrollTop + rows.clientHeight) rows.scrollTop = high - rows.clientHeight;
}

interface ByteProps {
  byte: number;
  at: number;
  places: readonly FieldPlace[];
  selected: FieldPlace | undefined;
}

function Byte({ byte, at, places, selected }: ByteProps) {
  const here = fieldsAt(places, at);
  const digits = byte.toString(16).padStart(2, "0");
  if (here.length === 0) return <td class="muted">{digits}</td>;
  const names = here.map(({ field }) => field);
  const isSelected = selected !== undefined && names.includes(selected.field);
  // Pressed again, a byte of several fields goes to the next of them.
  const next = names[(names.indexOf(frameField.value ?? "") + 1) % names.length] ?? null;
  return (
    <td class={isSelected ? "selected" : ""}>
      {/* The fields are in the order of the keyboard below; one stop for each byte would be hundreds. */}
      <button
        type="button"
        tabIndex={-1}
        title={names.join(", ")}
        aria-label={`byte ${at}, ${digits}: ${names.join(", ")}`}
        data-testid="frame-byte"
        data-at={at}
        data-selected={isSelected}
        onClick={() => (frameField.value = next)}
      >
        {digits}
      </button>
    </td>
  );
}

function Bits({ bytes, place }: { bytes: Uint8Array; place: FieldPlace }) {
  const beyond = beyondText(bytes, place);
  if (beyond !== "") return <>{beyond}</>;
  const [before, own, behind] = bitsOf(bytes, place);
  return (
    <>
      {place.field}, {placeText(place)}: <span class="muted">{before}</span>
      <strong>{own.slice(0, SHOWN_BITS)}</strong>
      {own.length > SHOWN_BITS ? "…" : <span class="muted">{behind}</span>}
    </>
  );
}

function Fields({ message, places }: { message: StoredEvent; places: readonly FieldPlace[] }) {
  const byName = new Map(places.map((place) => [place.field, place]));
  const selected = frameField.value;
  return (
    <table class="values" aria-label="Fields">
      <tbody>
        {valueRows(message).map(([path, value]) => {
          const place = byName.get(path);
          return (
            <tr key={path} class={path === selected ? "chosen" : ""}>
              <th scope="row">
                {place === undefined ? (
                  path
                ) : (
                  <button
                    type="button"
                    class="link"
                    aria-pressed={path === selected}
                    data-testid="frame-field"
                    data-field={path}
                    onClick={() => (frameField.value = path === selected ? null : path)}
                  >
                    {path}
                  </button>
                )}
              </th>
              <td>{valueText(value)}</td>
              <td class="muted">{place === undefined ? "no fixed place" : placeText(place)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
