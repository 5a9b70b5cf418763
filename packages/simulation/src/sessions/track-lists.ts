import { readLines, writeFileAtomically } from '@codebeam/data';
import type { Recommender } from '@codebeam/eval';
import { z } from 'zod';
import { parseLine } from './catalogue.js';
import type { TrackLists } from './list-policies.js';

const [owner, tracks] = [z.int().nonnegative(), z.array(z.int().nonnegative())];
const lineSchema = z.union([
  z.object({ user: owner, tracks }),
  z.object({ track: owner, tracks }).transform(({ track, tracks }) => ({ user: track, tracks })),
  z
    .object({ item_id: owner, recommendations: tracks })
    .transform(({ item_id: user, recommendations: tracks }) => ({ user, tracks })),
]);

/**
 * Reads the course's files of recommendations: JSON lines {"user": 0, "tracks": [3, 1, 2]}, plain or gzip; for lists by track
 * {"track": 0, "tracks": [...]} or {"item_id": 0, "recommendations": [...]}.
 *
 * @throws RangeError naming file and line of a track outside [0, numTracks), or an owner who has a list already
 */
export async function readTrackLists(file: string, { numTracks }: { numTracks: number }): Promise<TrackLists> {
  const lists = new Map<number, Int32Array>();
  for await (const { number, text } of readLines(file)) {
    if (text.trim() === '') continue;
    const { user, tracks } = parseLine(lineSchema, file, number, text);
    const unknown = tracks.find((track) => track >= numTracks);
    if (unknown !== undefined || lists.has(user)) {
      const [expected, got] =
        unknown === undefined ? ['owners with one list each', `${user} again`] : [`tracks below ${numTracks}`, unknown];
      throw new RangeError(
        `simulation: lists of ${file}:${number} must be of ${expected}, got ${got}; give lists for this catalogue`,
      );
    }
    lists.set(user, Int32Array.from(tracks));
  }
  return lists;
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
  const tracks = itemIds ? items.map((item) => (item < 0 ? item : Number(itemIds[item]))) : items;
  return new Map(
    users.map((user, row) => [user, tracks.subarray(row * k, (row + 1) * k).filter((track) => track >= 0)]),
  );
}

/** Writes lists as the course does, in the order of the map. */
export async function writeTrackLists(file: string, lists: TrackLists): Promise<void> {
  const lines = Array.from(lists, ([user, tracks]) => `${JSON.stringify({ user, tracks: Array.from(tracks) })}\n`);
  await writeFileAtomically(file, lines.join(''));
}
