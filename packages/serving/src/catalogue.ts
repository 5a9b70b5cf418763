import type { Item } from '@codebeam/data';

/** Items by dense id, found by their ids, their words and their categories. */
export interface Catalogue {
  /** [N] */
  readonly items: readonly Item[];
  /** Dense id of an item. */
  find(id: string): number | undefined;
  /**
   * Items whose id is the text, then those with all of its words in title, brand or id; the last word may be half typed. Without a
   * text the first items.
   */
  search(text: string, limit: number): number[];
  /** Items in a category, named by itself or by its path (`Hair Care > Styling`); rising. */
  inCategory(name: string): Int32Array;
  /**
   * Items as session policies number them: by id where all ids are whole numbers, as in logs of the simulator, else by dense id.
   */
  trackOf(item: number): number;
  itemOfTrack(track: number): number | undefined;
}

export function createCatalogue(items: readonly Item[]): Catalogue {
  const places = new Map(items.map(({ id }, item) => [id, item]));
  const isNumbered = items.every(({ id }) => /^(0|[1-9]\d{0,14})$/.test(id));
  // Searched by few, served to many: made when first asked for.
  let words: WordIndex | undefined;
  let categories: Map<string, Set<number>> | undefined;

  return {
    items,
    find: (id) => places.get(id),
    search(text, limit) {
      const query = wordsOf(text);
      if (query.length === 0) return Array.from(items.keys()).slice(0, limit);
      words ??= indexWords(items);
      const exact = places.get(text.trim());
      const found = words(query).filter((item) => item !== exact);
      return (exact === undefined ? found : [exact, ...found]).slice(0, limit);
    },
    inCategory(name) {
      categories ??= indexCategories(items);
      return Int32Array.from(categories.get(name.trim().toLowerCase()) ?? []);
    },
    trackOf: (item) => (isNumbered ? Number(items[item].id) : item),
    itemOfTrack: (track) => (isNumbered ? places.get(String(track)) : track in items ? track : undefined),
  };
}

/** Items that have all the words, those with a title that begins with the first of them in front. */
type WordIndex = (query: readonly string[]) => number[];

function indexWords(items: readonly Item[]): WordIndex {
  const postings = new Map<string, number[]>();
  for (const [item, { id, title = '', brand = '' }] of items.entries()) {
    for (const word of new Set(wordsOf(`${id} ${title} ${brand}`))) {
      const list = postings.get(word);
      if (list) list.push(item);
      else postings.set(word, [item]);
    }
  }
  const vocabulary = [...postings.keys()].sort();

  /** Items with a word that begins so. */
  function beginningWith(prefix: string): Set<number> {
    let low = 0;
    let high = vocabulary.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (vocabulary[middle] < prefix) low = middle + 1;
      else high = middle;
    }
    const found = new Set<number>();
    for (; low < vocabulary.length && vocabulary[low].startsWith(prefix); low++) {
      for (const item of postings.get(vocabulary[low])!) found.add(item);
    }
    return found;
  }

  return (query) => {
    const sets = query.map((word, i) =>
      i === query.length - 1 ? beginningWith(word) : new Set(postings.get(word) ?? []),
    );
    const [smallest, ...others] = sets.sort((a, b) => a.size - b.size);
    const found = [...smallest].filter((item) => others.every((set) => set.has(item)));
    const rank = (item: number) => (wordsOf(items[item].title ?? '')[0]?.startsWith(query[0]) ? 0 : 1);
    return found.sort((a, b) => rank(a) - rank(b) || a - b);
  };
}

const wordsOf = (text: string) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

function indexCategories(items: readonly Item[]): Map<string, Set<number>> {
  const found = new Map<string, Set<number>>();
  const add = (name: string, item: number) => {
    const key = name.trim().toLowerCase();
    const set = found.get(key);
    if (set) set.add(item);
    else found.set(key, new Set([item]));
  };
  for (const [item, { categories = [] }] of items.entries()) {
    for (const path of categories) {
      for (const [depth, name] of path.entries()) {
        add(name, item);
        add(path.slice(0, depth + 1).join(' > '), item);
      }
    }
  }
  return found;
}
