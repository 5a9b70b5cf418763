import {
  type Interactions,
  type Item,
  partNames,
  readItems,
  readParquet,
  rowsByPair,
  type Sequences,
  sequenceOf,
  writeItems,
  writeParquet,
} from '@codebeam/data';

/** What prepare-data leaves for the stages after it. */
export interface Dataset {
  /** Rows in the order of the raw file, so that ties can be ordered again. */
  interactions: Interactions;
  sequences: Sequences;
  /** By dense id. */
  items: Item[];
}

/**
 * The files of prepare-data; `path` says where each of them is. Ratings are null unless every row has one, and parts
 * unless the data came split.
 */
export async function writeDataset(
  path: (file: string) => string,
  { interactions, sequences, items }: Dataset,
): Promise<void> {
  const { users, timestamps, ratings, parts, userIds } = interactions;
  await writeParquet(path('interactions.parquet'), {
    user: { type: 'int32', values: users },
    item: { type: 'int32', values: interactions.items },
    timestamp: { type: 'timestamp', values: timestamps },
    position: { type: 'int32', values: positionsOf(interactions, sequences) },
    rating: { type: 'double', values: ratings ? Float64Array.from(ratings) : Array<null>(users.length).fill(null) },
    part: { type: 'string', values: Array.from(users, (_, row) => (parts ? partNames[parts[row]] : null)) },
  });
  await writeParquet(path('users.parquet'), {
    user: { type: 'int32', values: Int32Array.from(userIds.keys()) },
    id: { type: 'string', values: userIds },
  });
  await writeItems(path('items.parquet'), items);
}

export async function readDataset(path: (file: string) => string): Promise<Dataset> {
  const { user, item, timestamp, position, rating, part } = await readParquet(path('interactions.parquet'), {
    user: 'int32',
    item: 'int32',
    timestamp: 'timestamp',
    position: 'int32',
    rating: 'double',
    part: 'string',
  });
  const { id: userIds } = await readParquet(path('users.parquet'), { id: 'string' });
  const items = await readItems(path('items.parquet'));
  const interactions = {
    users: user,
    items: item,
    timestamps: timestamp,
    userIds: userIds as string[],
    itemIds: items.map(({ id }) => id),
    ...(!rating.some(Number.isNaN) && { ratings: Float32Array.from(rating) }),
    ...(part[0] !== null && {
      parts: Uint8Array.from(part, (name) => (partNames as readonly unknown[]).indexOf(name)),
    }),
  };
  const offsets = new Int32Array(userIds.length + 1);
  for (const one of user) offsets[one + 1]++;
  for (let one = 0; one < userIds.length; one++) offsets[one + 1] += offsets[one];
  const ordered = new Int32Array(item.length);
  for (let row = 0; row < item.length; row++) ordered[offsets[user[row]] + position[row]] = item[row];
  return { interactions, sequences: { offsets, items: ordered }, items };
}

/** The category below the root that all items share. */
export function categoryOf({ categories }: Item): string | undefined {
  const path = categories?.[0];
  return path?.[path.length > 1 ? 1 : 0];
}

/** [rows] each row's place in its user's sequence; of rows with equal user and item the earlier one goes first. */
function positionsOf(interactions: Interactions, sequences: Sequences): Int32Array {
  const { offsets, rows } = rowsByPair(interactions);
  const positions = new Int32Array(rows.length);
  for (let user = 0; user + 1 < offsets.length; user++) {
    const items = sequenceOf(sequences, user);
    const places = Int32Array.from(items.keys()).sort((a, b) => items[a] - items[b] || a - b);
    for (const [i, place] of places.entries()) positions[rows[offsets[user] + i]] = place;
  }
  return positions;
}
