import { createGenerator, createKey, foldIn, type Key } from '@codebeam/random';
import type { Catalogue } from './catalogue.js';

/** What two tracks have in common adds to their inner product: being music, the genre, the artist; and the track itself. */
const shares = { music: 0.4, genre: 6, artist: 2.4, track: 0.6 };

/** Coordinates of an embedding: the first on which all tracks agree, then those of genres, then those of artists and tracks. */
export const genreStart = 1;
export const artistStart = (width: number): number => width >> 1;

/**
 * Embeddings whose inner products span about 0 to 10, as those that the course trained: near 0 for tracks of different genres, 6 of
 * one genre, 9 of one artist, 9.5 with itself, and each track a tenth more or less in length for each standard deviation of its
 * popularity. Directions of genres, artists and tracks are random, so products of strangers scatter by about 1.2 at a width of 32.
 *
 * @returns [N*D] row major
 * @throws RangeError when the width is below 4
 */
export function syntheticEmbeddings(
  { artists, genres, popularity }: Pick<Catalogue, 'artists' | 'genres' | 'popularity'>,
  { width, seed }: { width: number; seed: number },
): Float32Array {
  if (!(Number.isInteger(width) && width >= 4)) {
    throw new RangeError(`simulation: width of embeddings must be an integer from 4, got ${width}; 32 is usual`);
  }
  const key = foldIn(createKey(seed, 'init'), width);
  const [genreKey, artistKey, trackKey] = [0, 1, 2].map((part) => foldIn(key, part));
  const middle = artistStart(width);
  const ofGenre = directions(genreKey, genres, middle - genreStart);
  const ofArtist = directions(artistKey, artists, width - middle);
  const lengths = lengthsOf(popularity);
  const embeddings = new Float32Array(artists.length * width);
  const [music, genre, artist, own] = Object.values(shares).map(Math.sqrt);
  for (let track = 0; track < artists.length; track++) {
    const start = track * width;
    const length = lengths[track];
    const direction = unitVector(foldIn(trackKey, track), width - middle);
    const ofItsGenre = ofGenre.get(genres[track])!;
    const ofItsArtist = ofArtist.get(artists[track])!;
    embeddings[start] = length * music;
    for (let i = genreStart; i < middle; i++) embeddings[start + i] = length * genre * ofItsGenre[i - genreStart];
    for (let i = middle; i < width; i++) {
      embeddings[start + i] = length * (artist * ofItsArtist[i - middle] + own * direction[i - middle]);
    }
  }
  return embeddings;
}

/** A direction for each number that occurs, a function of the number alone. */
function directions(key: Key, numbers: Int32Array, width: number): Map<number, Float64Array> {
  return new Map(Array.from(new Set(numbers), (number) => [number, unitVector(foldIn(key, number), width)]));
}

function unitVector(key: Key, width: number): Float64Array {
  const random = createGenerator(key);
  const vector = Float64Array.from({ length: width }, () => random.normal());
  const length = Math.hypot(...vector);
  return vector.map((x) => x / length);
}

/** 1 for a track of usual popularity, .1 more for each standard deviation of its logarithm, at most .2. */
function lengthsOf(popularity: Float64Array): Float64Array {
  const logs = popularity.map(Math.log);
  const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
  const deviation = Math.sqrt(logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / logs.length);
  if (!(deviation > 0)) return logs.fill(1);
  return logs.map((log) => 1 + 0.1 * Math.max(-2, Math.min(2, (log - mean) / deviation)));
}
