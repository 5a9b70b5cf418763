/**
 * What every recommender returns: B lists of k items, best first.
 *
 * Positions that a recommender cannot fill hold item -1 and score -Infinity, and only at the end of a list.
 */
export interface Recommendations {
  k: number;
  /** [B*k] dense item ids, row major. */
  items: Int32Array;
  /** [B*k] never rising along a list; comparable within a list only. */
  scores: Float32Array;
}

export interface RecommendOptions {
  /** Never recommend an item of the history. The mask covers the whole history given, however few items the model reads. */
  maskHistory: boolean;
  /** [B] original user ids, for models that know users; one never seen in training is no error. */
  users?: readonly string[];
  /** [B] what the items of each history were rated, for models that were fitted to ratings; 1 each when left out. */
  ratings?: readonly Float32Array[];
}

/**
 * The one interface of everything that recommends.
 *
 * - A history is a user's dense item ids, oldest first and not truncated: a model reads its own last `maxHistory`.
 * - Equal scores rank the lower item id first, so lists are a function of the scores alone.
 * - Any history will do: of users never seen in training, or empty.
 * - A batch gives the lists that its histories give one by one.
 */
export interface Recommender {
  readonly name: string;
  /** What a results table should say about the model: what it was fitted on, its hyperparameters. */
  readonly parameters?: Readonly<Record<string, string | number | boolean>>;
  recommend(histories: readonly Int32Array[], k: number, options: RecommendOptions): Promise<Recommendations>;
  /**
   * How well every item goes with each history, nothing masked: what lists are made of. A model that generates its lists
   * (TIGER) or mixes those of others (a hybrid) has none.
   *
   * @returns [B*N] row major
   */
  score?(histories: readonly Int32Array[], options?: Omit<RecommendOptions, 'maskHistory'>): Promise<Float32Array>;
}

/** `lists` lists of `k` entries with nothing in them yet: items -1, scores -Infinity. */
export function emptyRecommendations(lists: number, k: number): Recommendations {
  return { k, items: new Int32Array(lists * k).fill(-1), scores: new Float32Array(lists * k).fill(-Infinity) };
}

/**
 * Checks what a recommender is asked for.
 *
 * @param name  the recommender's, for the message
 * @throws RangeError when k is no positive integer, a history holds an item outside [0, numItems), or `users` has another length
 */
export function checkRequest(
  name: string,
  histories: readonly Int32Array[],
  k: number,
  numItems: number,
  { users, ratings }: Omit<RecommendOptions, 'maskHistory'> = {},
): void {
  if (!Number.isInteger(k) || k < 1) {
    throw new RangeError(`${name}: k must be a positive integer, got ${k}; ask for at least one item`);
  }
  if (users && users.length !== histories.length) {
    throw new RangeError(
      `${name}: users must be as many as histories (${histories.length}), got ${users.length}; pass one id per history`,
    );
  }
  const unrated = histories.findIndex((history, row) => ratings && ratings[row]?.length !== history.length);
  if (unrated >= 0) {
    throw new RangeError(
      `${name}: ratings of history ${unrated} must be one for each of its ${histories[unrated].length} items, got ${ratings![unrated]?.length ?? 0}`,
    );
  }
  for (const [row, history] of histories.entries()) {
    for (const item of history) {
      if (item < 0 || item >= numItems) {
        throw new RangeError(
          `${name}: items of history ${row} must be in [0, ${numItems}), got ${item}; map items with the catalogue the model was fitted on`,
        );
      }
    }
  }
}
