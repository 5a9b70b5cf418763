import { readLines } from '@codebeam/data';
import { createGenerator, createKey, foldIn } from '@codebeam/random';
import { z } from 'zod';
import { type Catalogue, drawFrom, parseLine } from './catalogue.js';

/** Users by number from 0, and what they like to listen to. */
export interface Listeners {
  numUsers: number;
  /** User u is interested in the tracks `interests[offsets[u] .. offsets[u + 1])`. */
  offsets: Int32Array;
  interests: Int32Array;
  /** [users] inner product at which a track is listened to half. */
  bias: Float64Array;
  /** [users] */
  sharpness: Float64Array;
}

const interestsPerUser = 3;

/**
 * Users as the course draws them: three interests by popularity, bias U(0, 10), sharpness U(1, 2) or one over it.
 *
 * @param users  default 10,000
 */
export function syntheticListeners(
  { popularity, numTracks }: Pick<Catalogue, 'popularity' | 'numTracks'>,
  { seed, users = 10_000 }: { seed: number; users?: number },
): Listeners {
  const key = foldIn(createKey(seed, 'sample'), 2);
  const drawTrack = drawFrom(popularity);
  const perUser = Math.min(interestsPerUser, numTracks);
  const interests = new Int32Array(users * perUser);
  const bias = new Float64Array(users);
  const sharpness = new Float64Array(users);
  for (let user = 0; user < users; user++) {
    const random = createGenerator(foldIn(key, user));
    const own = new Set<number>();
    while (own.size < perUser) own.add(drawTrack(random));
    interests.set([...own], user * perUser);
    bias[user] = 10 * random.uniform();
    const rate = 1 + random.uniform();
    sharpness[user] = random.integer(2) === 0 ? rate : 1 / rate;
  }
  const offsets = Int32Array.from({ length: users + 1 }, (_, user) => user * perUser);
  return { numUsers: users, offsets, interests, bias, sharpness };
}

const userSchema = z.object({
  user: z.int().nonnegative(),
  interests: z.array(z.int().nonnegative()).min(1),
  consume_bias: z.number().default(5),
  consume_sharpness: z.number().default(1),
});

/**
 * The course's users: JSON lines {"user", "interests", "consume_bias", "consume_sharpness"}, plain or gzip, numbered from 0.
 *
 * @throws RangeError naming file and line of a user out of order, or an interest that is no track of the catalogue
 */
export async function loadListeners(file: string, { numTracks }: Pick<Catalogue, 'numTracks'>): Promise<Listeners> {
  const offsets = [0];
  const interests: number[] = [];
  const bias: number[] = [];
  const sharpness: number[] = [];
  for await (const { number, text } of readLines(file)) {
    if (text.trim() === '') continue;
    const line = parseLine(userSchema, file, number, text);
    if (line.user !== bias.length) {
      throw new RangeError(
        `simulation: users of ${file} must be numbered from 0 in order, got ${line.user} in line ${number}; renumber them`,
      );
    }
    const unknown = line.interests.find((track) => track >= numTracks);
    if (unknown !== undefined) {
      throw new RangeError(
        `simulation: interests in ${file}:${number} must be tracks below ${numTracks}, got ${unknown}; give the catalogue that the users belong to`,
      );
    }
    interests.push(...line.interests);
    offsets.push(interests.length);
    bias.push(line.consume_bias);
    sharpness.push(line.consume_sharpness);
  }
  return {
    numUsers: bias.length,
    offsets: Int32Array.from(offsets),
    interests: Int32Array.from(interests),
    bias: Float64Array.from(bias),
    sharpness: Float64Array.from(sharpness),
  };
}
