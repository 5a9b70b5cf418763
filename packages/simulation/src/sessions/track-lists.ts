import { readLines, writeFileAtomically } from '@codebeam/data';
import { z } from 'zod';
import { parseLine } from './catalogue.js';
import type { TrackLists } from './list-policies.js';

const lineSchema = z.object({ user: z.int().nonnegative(), tracks: z.array(z.int().nonnegative()) });

/**
 * Reads the course's files of recommendations: JSON lines {"user": 0, "tracks": [3, 1, 2]}, plain or gzip.
 *
 * @throws RangeError naming file and line of a track outside [0, numTracks), or a user who has a list already
 */
export async function readTrackLists(file: string, { numTracks }: { numTracks: number }): Promise<TrackLists> {
  const lists = new Map<number, Int32Array>();
  for await (const { number, text } of readLines(file)) {
    if (text.trim() === '') continue;
    const { user, tracks } = parseLine(lineSchema, file, number, text);
    const unknown = tracks.find((track) => track >= numTracks);
    if (unknown !== undefined || lists.has(user)) {
      const [expected, got] =
        unknown === undefined
          ? ['users with one list each', `user ${user} again`]
          : [`tracks below ${numTracks}`, unknown];
      throw new RangeError(
        `simulation: lists of ${file}:${number} must be of ${expected}, got ${got}; give lists for this catalogue`,
      );
    }
    lists.set(user, Int32Array.from(tracks));
  }
  return lists;
}

/** Writes lists as the course does, in the order of the map. */
export async function writeTrackLists(file: string, lists: TrackLists): Promise<void> {
  const lines = Array.from(lists, ([user, tracks]) => `${JSON.stringify({ user, tracks: Array.from(tracks) })}\n`);
  await writeFileAtomically(file, lines.join(''));
}
