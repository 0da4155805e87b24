/** An edge whose replies a test states, by route, and what was asked of it. */

import { EdgeReads, type Parameters } from "../../openmct/src/edge_reads";

type Replies = Readonly<Record<string, unknown>>;

export class FakeEdge extends EdgeReads {
  readonly asked: [string, Parameters][] = [];

  constructor(private readonly replies: Replies) {
    super("http://edge/");
  }

  override async read<T>(route: string, parameters: Parameters = {}): Promise<T> {
    this.asked.push([route, parameters]);
    return this.replies[route] as T;
  }
}
