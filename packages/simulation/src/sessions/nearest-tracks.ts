import type { Catalogue } from './catalogue.js';

/** Tracks of one genre: their mean, and how far the farthest lies from it. */
interface Ball {
  tracks: Int32Array;
  centre: Float64Array;
  radius: number;
}

/**
 * Finds the tracks with the largest inner product with a track's embedding, the largest first and of equal ones the lower number;
 * the track itself is among them where it is near enough. Exact: a genre is passed over only when its centre and radius say that
 * no track of it comes near (q·x <= q·centre + |q| radius, the bound of Ram & Gray 2012, "Maximum inner-product search using cone
 * trees", sec. 3). Answers are kept.
 */
export function nearestTracks(
  { embeddings, width, genres, numTracks }: Catalogue,
  count: number,
): (track: number) => Int32Array {
  if (!(Number.isInteger(count) && count >= 1 && count <= numTracks)) {
    throw new RangeError(
      `simulation: nearest tracks must be from 1 to the ${numTracks} of the catalogue, got ${count}; ask for fewer`,
    );
  }
  const balls = ballsOf({ embeddings, width, genres });
  const found = new Map<number, Int32Array>();
  return (track) => {
    let nearest = found.get(track);
    if (nearest === undefined) {
      nearest = search(embeddings.subarray(track * width, (track + 1) * width), balls, embeddings, width, count);
      found.set(track, nearest);
    }
    return nearest;
  };
}

function search(
  query: Float32Array,
  balls: readonly Ball[],
  embeddings: Float32Array,
  width: number,
  count: number,
): Int32Array {
  const length = Math.hypot(...query);
  const bounds = balls.map(({ centre, radius }) => dot(query, centre, 0, width) + length * radius);
  const order = Array.from(balls.keys()).sort((a, b) => bounds[b] - bounds[a]);
  const tracks = new Int32Array(count).fill(-1);
  const products = new Float64Array(count).fill(-Infinity);
  for (const ball of order) {
    // What rounding may have taken from the bound.
    if (bounds[ball] + 1e-9 * Math.abs(bounds[ball]) < products[count - 1]) break;
    for (const track of balls[ball].tracks) {
      const product = dot(query, embeddings, track * width, width);
      const isNearer = product > products[count - 1] || (product === products[count - 1] && track < tracks[count - 1]);
      if (!isNearer) continue;
      let place = count - 1;
      for (; place > 0; place--) {
        const [above, other] = [products[place - 1], tracks[place - 1]];
        if (above > product || (above === product && other < track)) break;
        products[place] = above;
        tracks[place] = other;
      }
      products[place] = product;
      tracks[place] = track;
    }
  }
  return tracks;
}

function ballsOf({ embeddings, width, genres }: Pick<Catalogue, 'embeddings' | 'width' | 'genres'>): Ball[] {
  const members = new Map<number, number[]>();
  for (const [track, genre] of genres.entries()) {
    const known = members.get(genre);
    if (known) known.push(track);
    else members.set(genre, [track]);
  }
  return Array.from(members.values(), (tracks) => {
    const centre = new Float64Array(width);
    for (const track of tracks) {
      for (let i = 0; i < width; i++) centre[i] += embeddings[track * width + i] / tracks.length;
    }
    let radius = 0;
    for (const track of tracks) {
      let squared = 0;
      for (let i = 0; i < width; i++) squared += (embeddings[track * width + i] - centre[i]) ** 2;
      radius = Math.max(radius, Math.sqrt(squared));
    }
    return { tracks: Int32Array.from(tracks), centre, radius };
  });
}

/** Inner product of a vector with the `width` numbers of an array from `start`. */
export function dot(vector: Float32Array, values: Float32Array | Float64Array, start: number, width: number): number {
  let sum = 0;
  for (let i = 0; i < width; i++) sum += vector[i] * values[start + i];
  return sum;
}
