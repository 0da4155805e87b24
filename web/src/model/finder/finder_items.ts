/** What the finder offers, and how typed words narrow and order it. */

export const FINDER_GROUPS = ["Time", "Entities", "Fields", "Commands", "Panels", "Actions", "Search"] as const;
export type FinderGroup = (typeof FINDER_GROUPS)[number];

export interface FinderItem {
  /** Unique among all items. */
  readonly key: string;
  readonly group: FinderGroup;
  readonly name: string;
  /** Beside the name, such as the whole path. It is searched too. */
  readonly detail: string;
  /** What Enter does, if that is not the name. */
  readonly hint?: string;
  /** The keys that do the same. */
  readonly keys?: string;
  readonly act: () => void;
}

/** The items of a group that are shown, and how many more there are. */
export interface FinderSection {
  readonly group: FinderGroup;
  readonly items: readonly FinderItem[];
  readonly more: number;
}

/** Items of a group that are shown at most: typing narrows them. */
export const GROUP_MAX_ITEMS = 8;
const WORD_START = /[\s/._:-]/;

export function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().split(/\s+/).filter((word) => word !== "");
}

/** The items that have every word, the best matches of each group first. */
export function sectionsOf(items: readonly FinderItem[], text: string, most = GROUP_MAX_ITEMS): readonly FinderSection[] {
  const words = wordsOf(text);
  const ranked = items.flatMap((item) => {
    const rank = rankOf(item, words);
    return rank === undefined ? [] : [{ item, rank }];
  });
  // The sort is stable: items of one rank keep the order of their source.
  ranked.sort((left, right) => left.rank - right.rank);
  return FINDER_GROUPS.flatMap((group) => {
    const found = ranked.filter(({ item }) => item.group === group).map(({ item }) => item);
    return found.length === 0 ? [] : [{ group, items: found.slice(0, most), more: Math.max(0, found.length - most) }];
  });
}

/** Lower is better: a whole name, its begin, a begin of a word in it, a part of it, a part of the detail. */
function rankOf({ name, detail }: FinderItem, words: readonly string[]): number | undefined {
  const [inName, inDetail] = [name.toLowerCase(), detail.toLowerCase()];
  let sum = 0;
  for (const word of words) {
    const at = inName.indexOf(word);
    if (at < 0 && !inDetail.includes(word)) return undefined;
    if (at < 0) sum += 4;
    else if (at > 0) sum += WORD_START.test(inName[at - 1] ?? "") ? 2 : 3;
    else sum += inName === word ? 0 : 1;
  }
  return sum;
}
