/** Health of the links: the transports that the Core consumes from. */

import { computed, signal } from "@preact/signals";
import type { LinkInfo } from "../../api/protocol";
import { fromMs, shortTime } from "../values/time";
import { absence, request } from "./session";

export type Health = "good" | "warn" | "bad";

/** A lag that grows for this many polls in a row counts as growing. */
const GROWING_POLLS = 5;

export const links = signal<readonly LinkInfo[] | null>(null);
export const linksNow = signal(Date.now());
/** Whether the panel of links is open. */
export const linksOpen = signal(false);
/** The number of gaps that the user has dismissed. */
export const acknowledgedGaps = signal(0);

let growing = new Map<string, number>();

export const linksHealth = computed<Health>(() => worstHealth(links.value ?? []));
/** What is shown of them: nothing is known while the Core is away. */
export const shownHealth = computed<Health | "unknown">(() => (absence.value === "" ? linksHealth.value : "unknown"));
export const gapCount = computed(() => totalGaps(links.value ?? []));
export const unreachableLinks = computed(() =>
  (links.value ?? []).filter((link) => link.connection === "unreachable"),
);

/** Request the state of the links; while the Core is away the last reply remains. */
export async function refreshLinks(): Promise<void> {
  const found = (await request({ type: "links" }, "linksResponse")).links;
  growing = lagGrowth(growing, links.value ?? [], found);
  applyLinks(found);
}

/** Show the state of the links. */
export function applyLinks(found: readonly LinkInfo[]): void {
  links.value = found;
  linksNow.value = Date.now();
}

/** The status of a link, for its sign. */
export function linkHealth(link: LinkInfo): Health {
  if (link.connection === "unreachable") return "bad";
  const isBehind = (growing.get(link.link) ?? 0) >= GROWING_POLLS;
  return isBehind || (link.gaps ?? 0) > 0 || (link.warnings ?? []).length > 0 ? "warn" : "good";
}

/** For how many polls in a row each link's lag has grown. */
export function lagGrowth(
  before: ReadonlyMap<string, number>,
  old: readonly LinkInfo[],
  found: readonly LinkInfo[],
): Map<string, number> {
  const lags = new Map(old.map((link) => [link.link, link.lag ?? 0]));
  return new Map(
    found.map(({ link, lag }) => {
      const isMore = (lag ?? 0) > (lags.get(link) ?? 0);
      return [link, isMore ? (before.get(link) ?? 0) + 1 : 0];
    }),
  );
}

/** The events of a link as text. */
export function outagesText(link: LinkInfo): string {
  const last = link.lastOutage;
  if (!last) return "none since the writer started";
  const count = link.outages ?? 0;
  const times = count === 1 ? "1 outage" : `${count} outages, the last`;
  const began = shortTime(last.began, fromMs(Date.now()));
  const span = last.ended ? `${began}–${shortTime(last.ended, last.began)}` : `since ${began}`;
  return `${times} ${span} UTC: ${last.reason}`;
}

/** The banner's text about links that do not answer; undefined if all do. */
export function unreachableText(): string | undefined {
  const [first, ...others] = unreachableLinks.value;
  if (first === undefined) return undefined;
  const since = first.lastOutage ? ` since ${shortTime(first.lastOutage.began, fromMs(Date.now()))} UTC` : "";
  const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
  return `${first.link}${more} does not answer${since}. The archive is served; ingest resumes when it is back.`;
}

function worstHealth(all: readonly LinkInfo[]): Health {
  const found = new Set(all.map(linkHealth));
  return found.has("bad") ? "bad" : found.has("warn") ? "warn" : "good";
}

function totalGaps(all: readonly LinkInfo[]): number {
  return all.reduce((count, link) => count + (link.gaps ?? 0), 0);
}
