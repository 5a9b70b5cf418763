import type { Recommender } from '@codebeam/eval';

/**
 * The same recommender, which makes a history's list once: for rows of a table that share a model. Histories are told apart by
 * identity, and lists are made `depth` long at first.
 */
export function rememberLists(recommender: Recommender, depth: number): Recommender {
  type List = { items: Int32Array; scores: Float32Array };
  const made = { masked: new WeakMap<Int32Array, List>(), unmasked: new WeakMap<Int32Array, List>() };
  return {
    ...recommender,
    async recommend(histories, k, options) {
      const lists = options.maskHistory ? made.masked : made.unmasked;
      const missing = histories.flatMap((history, row) => ((lists.get(history)?.items.length ?? 0) < k ? [row] : []));
      if (missing.length > 0) {
        const length = Math.max(k, depth);
        const found = await recommender.recommend(
          missing.map((row) => histories[row]),
          length,
          { ...options, ...(options.users && { users: missing.map((row) => options.users![row]) }) },
        );
        missing.forEach((row, i) => {
          const [from, to] = [i * length, (i + 1) * length];
          lists.set(histories[row], { items: found.items.slice(from, to), scores: found.scores.slice(from, to) });
        });
      }
      const items = new Int32Array(histories.length * k);
      const scores = new Float32Array(histories.length * k);
      histories.forEach((history, row) => {
        const list = lists.get(history)!;
        items.set(list.items.subarray(0, k), row * k);
        scores.set(list.scores.subarray(0, k), row * k);
      });
      return { k, items, scores };
    },
  };
}
