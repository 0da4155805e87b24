/** Reads of an edge over HTTP: one route and its parameters, one reply. */

/** Lists are sent as one parameter for each item. */
export type Parameters = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** Statuses of what is only busy or away. */
const LATER = new Set([429, 503]);
const TRIES_MAX = 5;
const PAUSE_MAX_S = 10;
/** Most events of a page of `query`. */
const EVENTS_MAX = 10_000;

/** An answer that is none of what was asked for. */
export class ReadError extends Error {}

export class EdgeReads {
  /** `base` is the URL above `api/v1`, with a slash at its end. */
  constructor(private readonly base: string) {}

  async read<T>(route: string, parameters: Parameters = {}, signal?: AbortSignal): Promise<T> {
    const url = `${this.base}api/v1/${route}?${searchOf(parameters)}`;
    for (let tries = 1; ; tries++) {
      const answer = await fetch(url, signal === undefined ? {} : { signal });
      if (answer.ok) return (await answer.json()) as T;
      if (!LATER.has(answer.status) || tries === TRIES_MAX) throw new ReadError(await reasonOf(answer));
      const pauseS = Math.min(Number(answer.headers.get("Retry-After") ?? 1) || 1, PAUSE_MAX_S);
      await new Promise((resolve) => setTimeout(resolve, pauseS * 1_000));
    }
  }

  /** The replies of all pages, each continued by its `nextKey`. */
  async *pages<T extends { nextKey?: string | null }>(route: string, parameters: Parameters, signal?: AbortSignal): AsyncGenerator<T> {
    let afterKey: string | undefined;
    do {
      const page: T = await this.read<T>(route, { ...parameters, afterKey }, signal);
      yield page;
      afterKey = page.nextKey ?? undefined;
    } while (afterKey !== undefined);
  }
}

/** The limit of a page that should have so many events. */
export function pageLimit(events: number): number {
  return Math.min(events, EVENTS_MAX);
}

function searchOf(parameters: Parameters): URLSearchParams {
  const found = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) continue;
    if (typeof value !== "object") found.append(name, String(value));
    // A comma would part the items of a list.
    else for (const item of value) found.append(name, item.replaceAll(",", "\\,"));
  }
  return found;
}

async function reasonOf(answer: Response): Promise<string> {
  const text = await answer.text();
  try {
    const { code, message } = JSON.parse(text) as { code: string; message: string };
    return `${code}: ${message}`;
  } catch {
    return `the edge answered ${answer.status}`;
  }
}
