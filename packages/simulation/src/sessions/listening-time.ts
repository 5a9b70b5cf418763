import type { Catalogue } from './catalogue.js';
import { dot } from './nearest-tracks.js';

/** How a user listens, besides what to. */
export interface Taste {
  /** Inner product at which a track is listened to half. */
  bias: number;
  /** How fast that share rises around the bias. */
  sharpness: number;
}

/** What a track keeps of its time for each earlier one by its artist in the session. */
export const artistDiscount = 0.8;

/**
 * The share of a track that a user listens to who has not heard it in the session: sigmoid((product - bias) sharpness) ·
 * discount^plays, rounded to two digits.
 *
 * @param product      inner product of the track's embedding with that of the session's interest
 * @param artistPlays  tracks by its artist so far in the session
 * @returns a multiple of .01 in [0, 1]
 */
export function listeningTime(
  product: number,
  { bias, sharpness }: Taste,
  artistPlays: number,
  discount: number = artistDiscount,
): number {
  const share = 1 / (1 + Math.exp(-(product - bias) * sharpness));
  return Math.round(100 * share * discount ** artistPlays) / 100;
}

/**
 * The share of `track` that is listened to after `session`: 0 for one that was played before, else {@link listeningTime}.
 *
 * @param interest  the track whose embedding is what the session is about
 */
export function timeInSession(
  { embeddings, width, artists }: Pick<Catalogue, 'embeddings' | 'width' | 'artists'>,
  taste: Taste,
  interest: number,
  session: readonly number[],
  track: number,
  discount: number = artistDiscount,
): number {
  let artistPlays = 0;
  for (const earlier of session) {
    if (earlier === track) return 0;
    if (artists[earlier] === artists[track]) artistPlays++;
  }
  const product = dot(embeddings, track * width, embeddings, interest * width, width);
  return listeningTime(product, taste, artistPlays, discount);
}
