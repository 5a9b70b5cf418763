import { join } from 'node:path';
import { readLines, readNpy } from '@codebeam/data';
import { createGenerator, createKey, foldIn, type Generator, type Key } from '@codebeam/random';
import { z } from 'zod';
import { syntheticEmbeddings } from './synthetic-embeddings.js';

/** Tracks by number from 0: who plays them, how often they are heard, and where they lie in the space of taste. */
export interface Catalogue {
  numTracks: number;
  titles: readonly string[];
  /** [N] artist by track, an index into `artistNames`. */
  artists: Int32Array;
  artistNames: readonly string[];
  /** [N] genre by track, an index into `genreNames`. */
  genres: Int32Array;
  genreNames: readonly string[];
  /** [N] above 0; only ratios count. */
  popularity: Float64Array;
  /** D */
  width: number;
  /** [N*D] row major. How much somebody interested in one track likes another is their inner product. */
  embeddings: Float32Array;
}

export interface SyntheticCatalogueOptions {
  seed: number;
  /** N. Default 50,000. */
  tracks?: number;
  /** Default: tracks / 4.36, as in the course's catalogue. */
  artists?: number;
  /** Default 48. */
  genres?: number;
  /** D. Default 32. */
  width?: number;
}

/** Tracks per artist in the course's catalogue: 50,000 of 11,464. */
const tracksPerArtist = 4.36;

/**
 * A made-up catalogue of the course's proportions: half of the artists have one track, a tenth most of them; popularity is
 * log-normal over artists, those of many tracks being better known, and over the tracks of each. Embeddings: {@link syntheticEmbeddings}.
 *
 * @throws RangeError when there are more artists than tracks, or more genres than artists
 */
export function syntheticCatalogue(options: SyntheticCatalogueOptions): Catalogue {
  const { seed, tracks = 50_000, genres: numGenres = 48, width = 32 } = options;
  const { artists: numArtists = Math.max(1, Math.round(tracks / tracksPerArtist)) } = options;
  if (!(numGenres <= numArtists && numArtists <= tracks)) {
    throw new RangeError(
      `simulation: a catalogue must have as many tracks as artists and as many artists as genres, got ${tracks}, ${numArtists} and ${numGenres}; make it larger or lower the others`,
    );
  }
  const key = createKey(seed, 'sample');
  const draws = createGenerator(foldIn(key, 0));
  // Each artist has a track; the rest go to artists by a power law, flat for the first few.
  const sizes = drawFrom(Float64Array.from({ length: numArtists }, (_, rank) => (rank + 0.02 * numArtists) ** -1.3));
  const artists = Int32Array.from({ length: tracks }, (_, track) => (track < numArtists ? track : sizes(draws)));
  const numTracks = new Int32Array(numArtists);
  for (const artist of artists) numTracks[artist]++;
  const fame = Float64Array.from(numTracks, (own) => draws.normal() + 0.25 * Math.log(own));
  const popularity = Float64Array.from(artists, (artist) => Math.exp(fame[artist] + 0.7 * draws.normal()));
  const { genres, genreNames } = drawGenres(artists, numArtists, numGenres, foldIn(key, 1));
  return {
    numTracks: tracks,
    titles: Array.from(artists.keys(), (track) => `Track ${track}`),
    artists,
    artistNames: Array.from({ length: numArtists }, (_, artist) => `Artist ${artist}`),
    genres,
    genreNames,
    popularity,
    width,
    embeddings: syntheticEmbeddings({ artists, genres, popularity }, { width, seed }),
  };
}

export interface CatalogueFiles {
  /** JSON lines {"track", "artist", "title"}, plain or gzip, tracks numbered from 0. */
  tracks: string;
  /** A JSON list of track numbers, most popular first; without it all tracks are as popular. */
  topTracks?: string;
  /** .npy of [N, D]; without it embeddings are made up from artists, genres and popularity. */
  embeddings?: string;
}

const trackSchema = z.object({
  track: z.int().nonnegative(),
  artist: z.string(),
  title: z.string(),
  genre: z.union([z.string(), z.array(z.string())]).optional(),
});

/**
 * The course's catalogue. What its files lack is made up from the seed: genres by artist, and embeddings. Popularity falls with the
 * square root of the rank among the top tracks, as the interests of the course's users do.
 *
 * @throws RangeError naming file and line when tracks are not numbered 0, 1, 2 ... or embeddings are of another number of tracks
 */
export async function loadCatalogue(
  files: CatalogueFiles,
  {
    seed,
    genres: numGenres = 48,
    width: syntheticWidth = 32,
  }: Pick<SyntheticCatalogueOptions, 'seed' | 'genres' | 'width'>,
): Promise<Catalogue> {
  const titles: string[] = [];
  const artistNumbers = new Map<string, number>();
  const genreNumbers = new Map<string, number>();
  const artistOf: number[] = [];
  const genreOf: number[] = [];
  for await (const { number, text } of readLines(files.tracks)) {
    if (text.trim() === '') continue;
    const { track, artist, title, genre } = parseLine(trackSchema, files.tracks, number, text);
    if (track !== titles.length) {
      throw new RangeError(
        `simulation: tracks of ${files.tracks} must be numbered from 0 in order, got ${track} in line ${number}; renumber them`,
      );
    }
    titles.push(title);
    artistOf.push(numberOf(artistNumbers, artist));
    const first = Array.isArray(genre) ? genre[0] : genre;
    if (first !== undefined) genreOf.push(numberOf(genreNumbers, first));
  }
  const numTracks = titles.length;
  if (numTracks === 0) {
    throw new RangeError(`simulation: ${files.tracks} must have a track at least, got none; name the catalogue's file`);
  }
  const artists = Int32Array.from(artistOf);
  const popularity = await readPopularity(files.topTracks, numTracks);
  const { genres, genreNames } =
    genreOf.length === numTracks
      ? { genres: Int32Array.from(genreOf), genreNames: [...genreNumbers.keys()] }
      : drawGenres(artists, artistNumbers.size, numGenres, foldIn(createKey(seed, 'sample'), 1));
  const { width, embeddings } =
    files.embeddings === undefined
      ? {
          width: syntheticWidth,
          embeddings: syntheticEmbeddings({ artists, genres, popularity }, { width: syntheticWidth, seed }),
        }
      : await readTrackEmbeddings(files.embeddings, numTracks);
  return {
    numTracks,
    titles,
    artists,
    artistNames: [...artistNumbers.keys()],
    genres,
    genreNames,
    popularity,
    width,
    embeddings,
  };
}

/** Paths of the course's catalogue in a folder that has its files. */
export function courseFiles(folder: string): Required<Omit<CatalogueFiles, 'embeddings'>> & { users: string } {
  const path = (name: string) => join(folder, `${name}.json.gz`);
  return { tracks: path('tracks'), topTracks: path('top_tracks'), users: path('users') };
}

/** Tracks from the most popular one; of equal popularity the lower number first. */
export function byPopularity({ popularity }: Pick<Catalogue, 'popularity'>): Int32Array {
  return Int32Array.from(popularity.keys()).sort((a, b) => popularity[b] - popularity[a] || a - b);
}

/** Draws indices by weight. */
export function drawFrom(weights: Float64Array): (random: Generator) => number {
  const sums = new Float64Array(weights.length);
  let total = 0;
  for (const [index, weight] of weights.entries()) {
    total += weight;
    sums[index] = total;
  }
  return (random) => {
    const place = random.uniform() * total;
    let [low, high] = [0, sums.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] > place) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

/** @throws RangeError naming file and line of what is no JSON, or not as the schema says */
export function parseLine<S extends z.ZodType>(schema: S, file: string, line: number, text: string): z.output<S> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new RangeError(`simulation: ${file}:${line} must be JSON, got ${(cause as Error).message}; mend that line`, {
      cause,
    });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  throw new RangeError(
    `simulation: ${file}:${line} must be a line of its kind, got ${path.join('.') || 'value'}: ${message}; mend that line`,
  );
}

/** An artist's tracks are of one genre; genres are not of one size. */
function drawGenres(artists: Int32Array, numArtists: number, numGenres: number, key: Key) {
  const draw = drawFrom(Float64Array.from({ length: numGenres }, (_, genre) => 1 / (genre + 3)));
  const random = createGenerator(key);
  const ofArtist = Int32Array.from({ length: numArtists }, () => draw(random));
  return {
    genres: artists.map((artist) => ofArtist[artist]),
    genreNames: Array.from({ length: numGenres }, (_, genre) => `Genre ${genre}`),
  };
}

async function readPopularity(file: string | undefined, numTracks: number): Promise<Float64Array> {
  if (file === undefined) return new Float64Array(numTracks).fill(1);
  let text = '';
  for await (const line of readLines(file)) text += line.text;
  const top = parseLine(z.array(z.int().min(0).lt(numTracks)), file, 1, text);
  const popularity = new Float64Array(numTracks).fill((top.length + 1) ** -0.5);
  for (const [place, track] of top.entries()) popularity[track] = (place + 1) ** -0.5;
  return popularity;
}

async function readTrackEmbeddings(file: string, numTracks: number) {
  const { shape, data } = await readNpy(file);
  if (shape.length !== 2 || shape[0] !== numTracks) {
    throw new RangeError(
      `simulation: ${file} must have a row for each of the ${numTracks} tracks, got shape ${shape.join(' x ')}; give the catalogue's own`,
    );
  }
  return { width: shape[1], embeddings: Float32Array.from(data) };
}

function numberOf(numbers: Map<string, number>, name: string): number {
  const known = numbers.get(name);
  if (known !== undefined) return known;
  numbers.set(name, numbers.size);
  return numbers.size - 1;
}
