import type { Catalogue } from './catalogue.js';
import { artistStart } from './synthetic-embeddings.js';

/** Tracks of one genre, around their mean. */
interface Ball {
  /** Those that lie farthest from the mean in the second half of the coordinates first. */
  tracks: Int32Array;
  /** [n*D] their embeddings, one after another. */
  embeddings: Float32Array;
  /** [n] how far each lies from the mean in the second half. */
  distances: Float64Array;
  centre: Float32Array;
  /** How far the farthest lies from the mean in the first half. */
  radius: number;
}

const kept = new WeakMap<Catalogue, Map<number, (track: number) => Int32Array>>();

/**
 * Finds the tracks with the largest inner product with a track's embedding, the largest first and of equal ones the lower number;
 * the track itself is among them where it is near enough. Answers are kept as long as the catalogue is.
 *
 * Exact: tracks of a genre are passed over only when none of them can come near, as q·x <= q·centre + |q| |x - centre| (Ram & Gray
 * 2012, "Maximum inner-product search using cone trees", sec. 3), here for each half of the coordinates by itself, which is tighter
 * where the halves mean different things.
 *
 * @param count  of the tracks to find
 * @throws RangeError when there are not as many
 */
export function nearestTracks(catalogue: Catalogue, count: number): (track: number) => Int32Array {
  if (!(Number.isInteger(count) && count >= 1 && count <= catalogue.numTracks)) {
    throw new RangeError(
      `simulation: nearest tracks must be from 1 to the ${catalogue.numTracks} of the catalogue, got ${count}; ask for fewer`,
    );
  }
  let searches = kept.get(catalogue);
  if (searches === undefined) {
    searches = new Map();
    kept.set(catalogue, searches);
  }
  let search = searches.get(count);
  if (search === undefined) {
    search = createSearch(catalogue, count);
    searches.set(count, search);
  }
  return search;
}

function createSearch(catalogue: Catalogue, count: number): (track: number) => Int32Array {
  const { embeddings, width } = catalogue;
  const middle = artistStart(width);
  const balls = ballsOf(catalogue, middle);
  const found = new Map<number, Int32Array>();
  const products = new Float64Array(count);

  function search(query: Float32Array): Int32Array {
    const lengths = [lengthOf(query, 0, middle), lengthOf(query, middle, width)];
    const bases = balls.map(({ centre, radius }) => dot(query, 0, centre, 0, width) + lengths[0] * radius + rounding);
    const bounds = balls.map(({ distances }, ball) => bases[ball] + lengths[1] * distances[0]);
    const order = Array.from(balls.keys()).sort((a, b) => bounds[b] - bounds[a]);
    const tracks = new Int32Array(count).fill(-1);
    products.fill(-Infinity);
    for (const number of order) {
      if (bounds[number] < products[count - 1]) break;
      const ball = balls[number];
      for (let row = 0; row < ball.tracks.length; row++) {
        if (bases[number] + lengths[1] * ball.distances[row] < products[count - 1]) break;
        const product = dot(query, 0, ball.embeddings, row * width, width);
        if (product >= products[count - 1]) insert(tracks, products, ball.tracks[row], product);
      }
    }
    return tracks;
  }
  return (track) => {
    let nearest = found.get(track);
    if (nearest === undefined) {
      nearest = search(embeddings.subarray(track * width, (track + 1) * width));
      found.set(track, nearest);
    }
    return nearest;
  };
}

/** More than float32 centres can take from a bound. */
const rounding = 1e-3;

/** Puts a track where it belongs in falling order, if it does; the last one falls out. */
function insert(tracks: Int32Array, products: Float64Array, track: number, product: number): void {
  const isBefore = (place: number) =>
    product > products[place] || (product === products[place] && track < tracks[place]);
  let place = products.length - 1;
  if (!isBefore(place)) return;
  for (; place > 0 && isBefore(place - 1); place--) {
    products[place] = products[place - 1];
    tracks[place] = tracks[place - 1];
  }
  products[place] = product;
  tracks[place] = track;
}

function ballsOf({ embeddings, width, genres }: Catalogue, middle: number): Ball[] {
  const members = new Map<number, number[]>();
  for (const [track, genre] of genres.entries()) {
    const known = members.get(genre);
    if (known) known.push(track);
    else members.set(genre, [track]);
  }
  return Array.from(members.values(), (members) => {
    const centre = new Float32Array(width);
    for (const track of members) {
      for (let i = 0; i < width; i++) centre[i] += embeddings[track * width + i] / members.length;
    }
    const away = (track: number, start: number, end: number) => {
      let squared = 0;
      for (let i = start; i < end; i++) squared += (embeddings[track * width + i] - centre[i]) ** 2;
      return Math.sqrt(squared);
    };
    const distance = new Map(members.map((track) => [track, away(track, middle, width)]));
    const tracks = Int32Array.from(members).sort((a, b) => distance.get(b)! - distance.get(a)! || a - b);
    const own = new Float32Array(tracks.length * width);
    for (const [row, track] of tracks.entries()) {
      own.set(embeddings.subarray(track * width, (track + 1) * width), row * width);
    }
    return {
      tracks,
      embeddings: own,
      distances: Float64Array.from(tracks, (track) => distance.get(track)!),
      centre,
      radius: members.reduce((radius, track) => Math.max(radius, away(track, 0, middle)), 0),
    };
  });
}

function lengthOf(vector: Float32Array, start: number, end: number): number {
  let squared = 0;
  for (let i = start; i < end; i++) squared += vector[i] * vector[i];
  return Math.sqrt(squared);
}

/**
 * Inner product of `width` numbers of two arrays, each from its own start. Four sums side by side: an addition need not wait for the
 * one before it.
 */
export function dot(a: Float32Array, aStart: number, b: Float32Array, bStart: number, width: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 3 < width; i += 4) {
    s0 += a[aStart + i] * b[bStart + i];
    s1 += a[aStart + i + 1] * b[bStart + i + 1];
    s2 += a[aStart + i + 2] * b[bStart + i + 2];
    s3 += a[aStart + i + 3] * b[bStart + i + 3];
  }
  for (; i < width; i++) s0 += a[aStart + i] * b[bStart + i];
  return s0 + s1 + (s2 + s3);
}
