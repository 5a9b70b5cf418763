import { createGenerator, createKey, foldIn, type Key } from '@codebeam/random';
import type { Catalogue } from './catalogue.js';

/** What two tracks have in common adds to their inner product: being music, the genre, the artist; and the track itself. */
const shares = { music: 1.2, genre: 2.8, artist: 3, track: 1.5 };

/**
 * Embeddings whose inner products span about 0 to 10, as those that the course trained: near 1 for two tracks of different genres,
 * 4 of one genre, 7 of one artist, 8.5 with itself, and a tenth more or less in length for popular and unpopular ones. Directions
 * of genres, artists and tracks are random, so products of strangers scatter by about 1.3 at a width of 32.
 *
 * @returns [N*D] row major
 * @throws RangeError when the width is below 2
 */
export function syntheticEmbeddings(
  { artists, genres, popularity }: Pick<Catalogue, 'artists' | 'genres' | 'popularity'>,
  { width, seed }: { width: number; seed: number },
): Float32Array {
  if (!(Number.isInteger(width) && width >= 2)) {
    throw new RangeError(`simulation: width of embeddings must be an integer from 2, got ${width}; 32 is usual`);
  }
  const key = foldIn(createKey(seed, 'init'), width);
  const [genreKey, artistKey, trackKey] = [0, 1, 2].map((part) => foldIn(key, part));
  const ofGenre = directions(genreKey, genres, width);
  const ofArtist = directions(artistKey, artists, width);
  const lengths = lengthsOf(popularity);
  const embeddings = new Float32Array(artists.length * width);
  const [music, genre, artist, own] = Object.values(shares).map(Math.sqrt);
  for (let track = 0; track < artists.length; track++) {
    const row = embeddings.subarray(track * width, (track + 1) * width);
    const direction = unitVector(foldIn(trackKey, track), width - 1);
    const ofItsGenre = ofGenre.get(genres[track])!;
    const ofItsArtist = ofArtist.get(artists[track])!;
    row[0] = music * lengths[track]; // an axis of its own, on which all tracks agree
    for (let i = 1; i < width; i++) {
      row[i] = lengths[track] * (genre * ofItsGenre[i - 1] + artist * ofItsArtist[i - 1] + own * direction[i - 1]);
    }
  }
  return embeddings;
}

/** A direction for each number that occurs, a function of the number alone. */
function directions(key: Key, numbers: Int32Array, width: number): Map<number, Float64Array> {
  return new Map(Array.from(new Set(numbers), (number) => [number, unitVector(foldIn(key, number), width - 1)]));
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
