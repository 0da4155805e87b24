/** The text of a note in parts: words, and links to views of this NOVA. No other address becomes a link. */

export interface NotePart {
  readonly text: string;
  /** The hash of the view; absent for words. */
  readonly hash?: string;
}

const ADDRESS = /https?:\/\/[^\s<>"]+/g;
const BEHIND = /[.,;:!?)\]}]+$/;

/** The parts of a text; `page` is the address of this page. */
export function noteParts(text: string, page: string): NotePart[] {
  const parts: NotePart[] = [];
  let end = 0;
  for (const found of text.matchAll(ADDRESS)) {
    const address = found[0].replace(BEHIND, "");
    const hash = ownHash(address, page);
    if (hash === undefined) continue;
    if (found.index > end) parts.push({ text: text.slice(end, found.index) });
    parts.push({ text: linkText(hash), hash });
    end = found.index + address.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end) });
  return parts;
}

/** The hash of an address that opens this page. */
function ownHash(address: string, page: string): string | undefined {
  try {
    const [link, own] = [new URL(address), new URL(page)];
    const isOwn = link.origin === own.origin && link.pathname === own.pathname && link.search === own.search;
    return isOwn && link.username === "" && link.hash.length > 1 ? link.hash : undefined;
  } catch {
    return undefined;
  }
}

/** A view by its moment: the address itself is long. */
function linkText(hash: string): string {
  const time = new URLSearchParams(hash.slice(1)).get("t");
  return time === null ? "view" : `view of ${time.replace("T", " ").replace(/(\.\d+)?Z$/, "")}`;
}
