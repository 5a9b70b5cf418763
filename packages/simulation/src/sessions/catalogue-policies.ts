import { choiceOfEach, type Policy } from '../policy.js';
import { byPopularity, type Catalogue } from './catalogue.js';

/** Any track, each as likely. */
export function randomPolicy({ numTracks }: Pick<Catalogue, 'numTracks'>): Policy {
  return choiceOfEach('random', ({ random }) => ({ track: random.integer(numTracks) }));
}

/** Any track by the artist of the last one, each as likely: the last one, too. */
export function stickyArtistPolicy({ artists }: Pick<Catalogue, 'artists'>): Policy {
  const tracks = new Map<number, number[]>();
  for (const [track, artist] of artists.entries()) {
    const own = tracks.get(artist);
    if (own) own.push(track);
    else tracks.set(artist, [track]);
  }
  return choiceOfEach('sticky-artist', ({ track, random }) => ({
    track: drawOne(tracks.get(artists[track])!, random),
  }));
}

/**
 * Any of the most popular tracks, each as likely.
 *
 * @param top  how many. Default 100
 */
export function topPopularPolicy(catalogue: Pick<Catalogue, 'popularity'>, top = 100): Policy {
  const tracks = byPopularity(catalogue).subarray(0, top);
  return choiceOfEach('top-popular', ({ random }) => ({ track: drawOne(tracks, random) }));
}

/** The last track again. */
export function repeatPolicy(): Policy {
  return choiceOfEach('repeat', ({ track }) => ({ track }));
}

/** One of a list that is not empty, each as likely. */
export function drawOne(list: ArrayLike<number>, random: { integer(bound: number): number }): number {
  return list[random.integer(list.length)];
}
