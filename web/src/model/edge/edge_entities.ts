/** The entities that the edge lists itself, such as its TCP streams, and requests about them. */

import { batch, signal } from "@preact/signals";
import type { Request, StreamsResponse } from "../../api/protocol";
import { request } from "../session/session";
import { noteTies, setTie } from "./ties";

export type EdgeEntity = StreamsResponse["setup"] | StreamsResponse["streams"][number];
type EdgeRequest = Extract<Request, { type: `${string}TcpStream` }>;

/** What cards may send. A manifest, which any producer may publish, can name nothing else. */
const SENDABLE: ReadonlySet<string> = new Set<EdgeRequest["type"]>([
  "createTcpStream",
  "editTcpStream",
  "startTcpStream",
  "stopTcpStream",
  "deleteTcpStream",
  "tieTcpStream",
  "untieTcpStream",
]);

export const edgeEntities = signal<readonly EdgeEntity[]>([]);

/** Streams that this page has deleted. */
const deletedHere = new Set<string>();

/** Whether this page has deleted a stream. */
export function wasDeletedHere(streamId: string): boolean {
  return deletedHere.has(streamId);
}

/** Clear all when the user changes. */
export function clearEdgeEntities(): void {
  edgeEntities.value = [];
}

/** List the entities. */
export async function refreshEdgeEntities(): Promise<void> {
  const reply = await request({ type: "listStreams" }, "streamsResponse");
  batch(() => {
    noteTies(reply.streams);
    edgeEntities.value = [reply.setup, ...reply.streams];
  });
}

/** Whether cards may send a request of this type. */
export function isSendable(type: string): boolean {
  return SENDABLE.has(type);
}

/** Send a card's request; throws an Error that can be shown. */
export async function sendEdgeRequest(type: string, members: Readonly<Record<string, unknown>>): Promise<void> {
  if (!isSendable(type)) throw new Error(`Cards cannot send “${type}”.`);
  const { stream } = await request({ type, ...members } as unknown as EdgeRequest, "tcpStreamChanged");
  const { streamId } = members;
  if (stream != null) setTie(stream.streamId, stream.tiedHere ?? false);
  else if (typeof streamId === "string") {
    setTie(streamId, false);
    deletedHere.add(streamId);
  }
  await refreshEdgeEntities();
}
