import { readLines, writeFileAtomically } from '@codebeam/data';
import type { Recommender } from '@codebeam/eval';
import { z } from 'zod';
import { parseLine } from './catalogue.js';
import type { TrackLists } from './list-policies.js';

const [owner, tracks] = [z.int().nonnegative(), z.array(z.int().nonnegative())];
const lineSchemas = {
  user: z.object({ user: owner, tracks }).transform(({ user, tracks }) => ({ owner: user, tracks })),
  track: z.union([
    z.object({ track: owner, tracks }).transform(({ track, tracks }) => ({ owner: track, tracks })),
    z
      .object({ item_id: owner, recommendations: tracks })
      .transform(({ item_id, recommendations }) => ({ owner: item_id, tracks: recommendations })),
  ]),
};

/**
 * Reads the course's files of recommendations: JSON lines {"user": 0, "tracks": [3, 1, 2]}, plain or gzip; for lists by track
 * {"track": 0, "tracks": [...]} or {"item_id": 0, "recommendations": [...]}.
 *
 * @param by  whose lists they are
 * @throws RangeError naming file and line of another's list, a track outside [0, numTracks), or an owner who has a list already; and of a
 *   file without lists
 */
export async function readTrackLists(
  file: string,
  { numTracks, by = 'user' }: { numTracks: number; by?: 'user' | 'track' },
): Promise<TrackLists> {
  const lists = new Map<number, Int32Array>();
  for await (const { number, text } of readLines(file)) {
    if (text.trim() === '') continue;
    const { owner, tracks } = parseLine(lineSchemas[by], file, number, text);
    const unknown = tracks.find((track) => track >= numTracks);
    if (unknown !== undefined || lists.has(owner)) {
      const [expected, got] =
        unknown === undefined
          ? ['owners with one list each', `${owner} again`]
          : [`tracks below ${numTracks}`, unknown];
      throw new RangeError(
        `simulation: lists of ${file}:${number} must be of ${expected}, got ${got}; give lists for this catalogue`,
      );
    }
    lists.set(owner, Int32Array.from(tracks));
  }
  if (lists.size > 0) return lists;
  throw new RangeError(`simulation: ${file} must have a list by ${by} at least, got none; fill it`);
}

/**
 * Ids as the whole numbers that they say.
 *
 * @param what   whose ids they are, for errors
 * @param limit  what each must be below
 * @throws RangeError naming the first that says no such number
 */
export function numbersOf(what: string, ids: readonly string[], limit = 2 ** 31): Int32Array {
  const stray = ids.find((id) => !/^\d+$/.test(id) || Number(id) >= limit);
  if (stray === undefined) return Int32Array.from(ids, Number);
  throw new RangeError(
    `simulation: ids of ${what} must be whole numbers below ${limit}, got ${stray}; fit it to users and tracks by their numbers`,
  );
}

/** A recommender's lists of k tracks, of users with what they have listened to. */
export async function topLists(
  recommender: Recommender,
  listens: { users: readonly number[]; histories: readonly Int32Array[] },
  {
    k = 100,
    itemIds,
    maskHistory = false,
  }: {
    /** Default 100. */
    k?: number;
    /** Track by item, as text, where items are not tracks. */
    itemIds?: readonly string[];
    /** Leave out what the user has listened to; default false, as RecBole does for models of sequences. */
    maskHistory?: boolean;
  } = {},
): Promise<TrackLists> {
  const { users, histories } = listens;
  const { items } = await recommender.recommend(histories, k, { maskHistory, users: users.map(String) });
  const trackOf = itemIds && numbersOf(`${recommender.name}'s items`, itemIds);
  const tracks = trackOf ? items.map((item) => (item < 0 ? item : trackOf[item])) : items;
  return new Map(
    users.map((user, row) => [user, tracks.subarray(row * k, (row + 1) * k).filter((track) => track >= 0)]),
  );
}

/** Writes lists as the course does, in the order of the map. */
export async function writeTrackLists(file: string, lists: TrackLists): Promise<void> {
  const lines = Array.from(lists, ([user, tracks]) => `${JSON.stringify({ user, tracks: Array.from(tracks) })}\n`);
  await writeFileAtomically(file, lines.join(''));
}
