/** How often each user met each item, sparse by users; grows with both. */
export interface InteractionCounts {
  /** By user the items met and how often. */
  readonly rows: Map<number, number>[];
  /** One more interaction of each user. */
  add(interactions: Int32Array): void;
  addUsers(count: number): void;
  clear(): void;
}

export function countInteractions(numUsers: number): InteractionCounts {
  const rows = Array.from({ length: numUsers }, () => new Map<number, number>());
  return {
    rows,
    add(interactions) {
      for (let user = 0; user < interactions.length; user++) {
        const item = interactions[user];
        rows[user].set(item, (rows[user].get(item) ?? 0) + 1);
      }
    },
    addUsers(count) {
      for (let added = 0; added < count; added++) rows.push(new Map());
    },
    clear() {
      for (const row of rows) row.clear();
    },
  };
}
