import { createHash } from 'node:crypto';
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
  /** Whether all ids are whole numbers below 2^31. */
  readonly isNumbered: boolean;
  /** Of the ids in their order. */
  readonly digest: string;
}

export function createCatalogue(items: readonly Item[]): Catalogue {
  const places = new Map(items.map(({ id }, item) => [id, item]));
  // Searched by few, served to many: made when first asked for.
  let words: WordIndex | undefined;
  let categories: Map<string, Set<number>> | undefined;
  let digest: string | undefined;

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
    isNumbered: items.every(({ id }) => /^(0|[1-9]\d{0,9})$/.test(id) && Number(id) < 2 ** 31),
    get digest() {
      digest ??= createHash('sha256')
        .update(JSON.stringify(items.map(({ id }) => id)))
        .digest('base64url');
      return digest;
    },
  };
}

/** Items that have all the words, those with a title that begins with the first of them in front. */
type WordIndex = (query: readonly string[]) => number[];

function indexWords(items: readonly Item[]): WordIndex {
  const postings = new Map<string, number[]>();
  const firstWords = items.map(({ title = '' }) => wordsOf(title)[0]);
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
    const found = Int32Array.from(smallest)
      .filter((item) => others.every((set) => set.has(item)))
      .sort();
    const isFirst = (item: number) => firstWords[item]?.startsWith(query[0]) ?? false;
    return [...found.filter(isFirst), ...found.filter((item) => !isFirst(item))];
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
