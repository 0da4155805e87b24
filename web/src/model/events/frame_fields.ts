/** The frame of a message and the places of its fields in it, by the `FrameLayout` of their entity. */

import { signal } from "@preact/signals";
import type { Filters, Query } from "../../api/protocol";
import { request } from "../session/session";
import type { StoredEvent } from "../values/event";

export const FRAME_LAYOUT = "FrameLayout";
/** Layouts of an entity that are looked through: one for each kind of message and start of its producer. */
const LAYOUTS_MAX = 200;
/** Frames and messages of one entity at one instant. */
const INSTANT_MAX = 50;

export interface FieldPlace {
  readonly field: string;
  /** The first bit in the frame, counted from 0. */
  readonly begin: number;
  readonly bits: number;
}

export interface FrameFields {
  readonly frames: readonly StoredEvent[];
  /** The messages of the instant; the first that has a layout comes first. */
  readonly message: StoredEvent | undefined;
  readonly places: readonly FieldPlace[];
}

/** Whether events are shown with their frames and fields, as long as one has some. */
export const isFrameShown = signal(false);
/** The selected field; null if none is. */
export const frameField = signal<string | null>(null);

/** Request the frames and the message of an event's instant, and the places of the message's fields. */
export async function requestFrameFields(event: StoredEvent): Promise<FrameFields> {
  const at = event.sourceTruthTime;
  const [found, before] = await Promise.all([
    ask(event, { startTime: at, stopTime: at, limit: INSTANT_MAX }, ["raw", "parsed"]),
    ask(event, { stopTime: at, reverse: true, limit: LAYOUTS_MAX }, ["metadata"]),
  ]);
  const frames = found.filter(({ lane }) => lane === "raw");
  const messages = found.filter(({ lane }) => lane === "parsed");
  const wanted = event.lane === "parsed" ? [event] : messages;
  let layouts = before;
  if (!wanted.some((one) => layoutOf(layouts, one) !== undefined)) {
    // A producer may have published it after its first message.
    layouts = await ask(event, { startTime: at, limit: LAYOUTS_MAX }, ["metadata"]);
  }
  const message = wanted.find((one) => layoutOf(layouts, one) !== undefined) ?? wanted[0];
  const layout = message === undefined ? undefined : layoutOf(layouts, message);
  const shown = event.lane === "raw" ? [event] : frames;
  return { frames: shown, message, places: layout === undefined ? [] : placesOf(layout) };
}

async function ask(event: StoredEvent, range: Partial<Query>, lanes: NonNullable<Filters["lanes"]>): Promise<StoredEvent[]> {
  const { scopeId, systemId, containerId, uniqueId } = event;
  const types = lanes.includes("metadata") ? { messageTypes: [FRAME_LAYOUT] } : {};
  const filters = { scopeIds: [scopeId], systemId, containerId, uniqueId, lanes, ...types };
  const reply = await request({ type: "query", timebase: "source", timelineMode: "REPLAY", filters, ...range }, "queryResponse");
  return reply.events as StoredEvent[];
}

function layoutOf(layouts: readonly StoredEvent[], message: StoredEvent): object | undefined {
  for (const { payload } of layouts) {
    const { messageType, fields } = (payload ?? {}) as { messageType?: unknown; fields?: unknown };
    if (messageType === message.messageType && typeof fields === "object" && fields !== null) return fields;
  }
  return undefined;
}

/** The valid places of a layout, in the order of the frame. */
export function placesOf(layout: object): FieldPlace[] {
  const places = Object.entries(layout).flatMap(([field, place]: [string, unknown]) => {
    const [begin, bits] = Array.isArray(place) ? (place as unknown[]) : [];
    return isCount(begin) && isCount(bits) && bits > 0 ? [{ field, begin, bits }] : [];
  });
  return places.sort((left, right) => left.begin - right.begin);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** The first byte of a place, and the one behind its last. */
export function bytesOfPlace({ begin, bits }: FieldPlace): [number, number] {
  return [Math.floor(begin / 8), Math.ceil((begin + bits) / 8)];
}

/** The fields that have bits in a byte. */
export function fieldsAt(places: readonly FieldPlace[], byte: number): FieldPlace[] {
  return places.filter((place) => {
    const [first, behind] = bytesOfPlace(place);
    return first <= byte && byte < behind;
  });
}

/** The bits of a place: those before it in its first byte, its own, and those behind it in its last. */
export function bitsOf(bytes: Uint8Array, place: FieldPlace): [string, string, string] {
  const [first, behind] = bytesOfPlace(place);
  const text = Array.from(bytes.subarray(first, behind), (byte) => byte.toString(2).padStart(8, "0")).join("");
  const from = place.begin - 8 * first;
  return [text.slice(0, from), text.slice(from, from + place.bits), text.slice(from + place.bits)];
}

/** That a place lies behind the end of a frame, in words; empty if it does not. */
export function beyondText(bytes: Uint8Array, { field, begin, bits }: FieldPlace): string {
  if (begin + bits <= 8 * bytes.length) return "";
  const size = `${bytes.length.toLocaleString("en")} B`;
  return `${field}: its bits are behind the end of this frame of ${size}. They are in a later segment of the message, or the layout is of another frame.`;
}

/** Where a place is, in words. */
export function placeText({ begin, bits }: FieldPlace): string {
  const [byte, bit] = [Math.floor(begin / 8), begin % 8];
  const size = bits === 1 ? "1 bit" : `${bits} bits`;
  return bit === 0 && bits % 8 === 0 ? `byte ${byte}, ${bits / 8} B` : `byte ${byte}, bit ${bit}, ${size}`;
}
