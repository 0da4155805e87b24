import { beforeEach, describe, expect, it } from "vitest";
import { cardChoice, openEdgeCard } from "../../../src/model/cards/card_list";
import { edgePlaces } from "../../../src/model/edge/edge_cards";
import { type EdgeEntity, edgeEntities } from "../../../src/model/edge/edge_entities";
import { dismissGone, goneStreams, startGoneStreams } from "../../../src/model/edge/gone_streams";

const ids = { systemId: "tcpStream", containerId: "streams", manifestId: "tcpStream", manifestVersion: "1.0.0" };
const setup = { ...ids, uniqueId: "setup", entityType: "setup-streams", name: "Setup Streams" } as EdgeEntity;

function stream(streamId: string, tiedHere = false): EdgeEntity {
  const definition = { name: `name-${streamId}`, port: 7001 };
  return { ...ids, uniqueId: streamId, entityType: "tcp-stream", streamId, definition, tiedHere } as EdgeEntity;
}

function open(streamId: string): void {
  openEdgeCard.value = edgePlaces.value.find(({ uniqueId }) => uniqueId === streamId)?.id ?? null;
}

startGoneStreams();

beforeEach(() => {
  cardChoice.value = "entity";
  openEdgeCard.value = null;
  edgeEntities.value = [];
  edgeEntities.value = [setup, stream("a"), stream("b")];
});

describe("streams that have gone", () => {
  it("are not named if no card of the edge is shown", () => {
    edgeEntities.value = [setup];
    expect(goneStreams.value).toEqual([]);
  });

  it("are named if their card is shown", () => {
    open("a");
    edgeEntities.value = [setup, stream("b")];
    expect(goneStreams.value).toMatchObject([{ streamId: "a", name: "name-a" }]);
    edgeEntities.value = [setup, stream("b")];
    expect(goneStreams.value).toHaveLength(1);
    dismissGone("a");
    expect(goneStreams.value).toEqual([]);
  });

  it("are named if they followed this page", () => {
    edgeEntities.value = [setup, stream("a", true), stream("b")];
    edgeEntities.value = [setup];
    expect(goneStreams.value).toMatchObject([{ streamId: "a" }]);
  });

  it("are named no more once they are back, or the user changes", () => {
    open("a");
    edgeEntities.value = [setup, stream("b")];
    edgeEntities.value = [setup, stream("a"), stream("b")];
    expect(goneStreams.value).toEqual([]);
    edgeEntities.value = [setup, stream("b")];
    expect(goneStreams.value).toHaveLength(1);
    edgeEntities.value = [];
    expect(goneStreams.value).toEqual([]);
  });
});
