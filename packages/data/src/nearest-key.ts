/** The parts of a JSON schema that say which keys an object may have. */
export interface KeySchema {
  properties?: Record<string, KeySchema>;
  anyOf?: KeySchema[];
  oneOf?: KeySchema[];
  allOf?: KeySchema[];
  items?: KeySchema;
  const?: unknown;
  enum?: unknown[];
  type?: string;
  additionalProperties?: KeySchema | boolean;
}

/**
 * The known key that is nearest to an unknown one by edit distance; of equally near ones a sibling goes first, so
 * `tiger.dropuot` finds `tiger.dropout`, and `dropout` alone finds it too.
 *
 * @param parent  path of the object that holds the key; numbers are places in lists
 * @returns a dotted path
 */
export function nearestKey(schema: KeySchema, parent: readonly (string | number)[], key: string): string | undefined {
  const siblings = new Set(keysOf(branchesAt(schema, parent)).map((name) => [...parent, name].join('.')));
  // Of a union another member may have the very key.
  const unknown = [...parent, key].join('.');
  const known = [...new Set([...siblings, ...allPaths(schema)])].filter((path) => path !== unknown);
  return nearestOf(known, (path) => {
    return editDistance(path.slice(path.lastIndexOf('.') + 1), key) + (siblings.has(path) ? 0 : 0.5);
  });
}

/** The known word that is nearest to another by edit distance; the first of equally near ones. */
export function nearestWord(words: readonly string[], word: string): string | undefined {
  return nearestOf(words, (one) => editDistance(one, word));
}

function nearestOf(words: readonly string[], distanceOf: (word: string) => number): string | undefined {
  let nearest: { word: string; distance: number } | undefined;
  for (const word of words) {
    const distance = distanceOf(word);
    if (nearest === undefined || distance < nearest.distance) nearest = { word, distance };
  }
  return nearest?.word;
}

/** The single values that the value at a path may have, such as the types of a union, and kinds of numbers that it may be. */
export function valuesAt(schema: KeySchema, path: readonly (string | number)[]): unknown[] {
  const found = branchesAt(schema, path).flatMap(alternatives);
  const kinds: { readonly [type: string]: string } = { integer: 'a whole number', number: 'a number' };
  return [
    ...new Set(
      found.flatMap((node) => {
        if ('const' in node) return [node.const];
        if (node.enum) return node.enum;
        return node.type && node.type in kinds ? [kinds[node.type]] : [];
      }),
    ),
  ];
}

/** Every schema that may describe the value at a path: unions have several. */
function branchesAt(schema: KeySchema, path: readonly (string | number)[]): KeySchema[] {
  return path.reduce<KeySchema[]>(
    (at, key) => at.flatMap((node) => alternatives(node)).flatMap((node) => childrenAt(node, key)),
    [schema],
  );
}

function childrenAt(node: KeySchema, key: string | number): KeySchema[] {
  const { items, properties, additionalProperties: any } = node;
  const child = typeof key === 'number' ? items : (properties?.[key] ?? (typeof any === 'object' ? any : undefined));
  return child === undefined ? [] : [child];
}

function alternatives(node: KeySchema): KeySchema[] {
  const branches = [...(node.anyOf ?? []), ...(node.oneOf ?? []), ...(node.allOf ?? [])];
  return [node, ...branches.flatMap(alternatives)];
}

function keysOf(nodes: readonly KeySchema[]): string[] {
  return [...new Set(nodes.flatMap(alternatives).flatMap(({ properties = {} }) => Object.keys(properties)))];
}

function allPaths(schema: KeySchema, prefix = ''): string[] {
  return alternatives(schema).flatMap(({ properties = {} }) =>
    Object.entries(properties).flatMap(([key, child]) => [`${prefix}${key}`, ...allPaths(child, `${prefix}${key}.`)]),
  );
}

/** Insertions, deletions, replacements and swaps of neighbours that make one word of the other (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwap ? before[j - 2] + 1 : Infinity;
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1), swapped));
    }
    [before, row] = [row, next];
  }
  return row[b.length];
}
