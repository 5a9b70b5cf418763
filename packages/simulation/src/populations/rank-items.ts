import type { Generator } from '@codebeam/random';

/** What is asked of a set of items here. */
export type ItemSet = Pick<ReadonlySet<number>, 'size' | 'has'>;

/**
 * The best items of a row of scores, ties left open: those above the boundary, best first and by item id among equals, and all that tie
 * at the boundary. Users of one profile share it; each breaks the ties anew.
 */
export interface BestItems {
  /** Items of a score above the boundary's, best first; fewer than were asked for. */
  above: Int32Array;
  /** Items of the boundary's score; with those above at least as many as were asked for. */
  tied: Int32Array;
  /** [I] the row itself. */
  scores: Float64Array;
}

/**
 * Finds the `count` best of a row.
 *
 * @param count  1 to I
 * @throws RangeError when a score is NaN
 */
export function findBest(scores: Float64Array, count: number): BestItems {
  const boundary = nthLargest(scores, count);
  const above = new Int32Array(count);
  let tied = new Int32Array(count);
  let [numAbove, numTied] = [0, 0];
  for (let item = 0; item < scores.length; item++) {
    const score = scores[item];
    if (!(score >= boundary)) {
      if (Number.isNaN(score)) throw nanError(scores);
      continue;
    }
    if (score > boundary) {
      if (numAbove === count) throw nanError(scores);
      above[numAbove++] = item;
    } else {
      if (numTied === tied.length) tied = doubled(tied);
      tied[numTied++] = item;
    }
  }
  if (numAbove + numTied < count) throw nanError(scores);
  const order = (a: number, b: number) => scores[b] - scores[a] || a - b;
  return { above: above.subarray(0, numAbove).sort(order), tied: tied.subarray(0, numTied), scores };
}

function doubled(items: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * items.length);
  larger.set(items);
  return larger;
}

function nanError(scores: Float64Array): RangeError {
  return new RangeError(
    `simulation: scores must be numbers, got ${scores.find(Number.isNaN)} for item ${scores.findIndex(Number.isNaN)}; let the score function return 0 where it has no value`,
  );
}

/** The value that `count - 1` others are above or equal to: a heap of the `count` largest, the smallest of them on top. */
function nthLargest(scores: Float64Array, count: number): number {
  if (count * 8 > scores.length) return scores.toSorted()[scores.length - count];
  const heap = scores.slice(0, count).sort();
  let least = heap[0];
  for (let item = count; item < scores.length; item++) {
    const score = scores[item];
    if (!(score > least)) continue;
    let place = 0;
    for (let child = 1; child < count; child = 2 * place + 1) {
      if (child + 1 < count && heap[child + 1] < heap[child]) child++;
      if (heap[child] >= score) break;
      heap[place] = heap[child];
      place = child;
    }
    heap[place] = score;
    least = heap[0];
  }
  return least;
}

/**
 * Writes the first items of a ranking in which ties are in random order, each order as likely: what sorting by (score, a fresh random
 * number) gives, but drawn only where there are ties.
 *
 * @param consumed  items to leave out
 * @param into      as many items as it has places
 * @returns how many were written: fewer than places only where `best` has fewer items left
 */
export function writeRanking(best: BestItems, consumed: ItemSet, random: Generator, into: Int32Array): number {
  const { above, tied, scores } = best;
  let written = 0;
  for (let start = 0, end: number; start < above.length && written < into.length; start = end) {
    end = start + 1;
    while (end < above.length && scores[above[end]] === scores[above[start]]) end++;
    if (end === start + 1) {
      if (!consumed.has(above[start])) into[written++] = above[start];
    } else written += sampleItems(above.subarray(start, end), consumed, random, into.subarray(written));
  }
  if (written < into.length) written += sampleItems(tied, consumed, random, into.subarray(written));
  return written;
}

/**
 * Draws different items, each as likely, in random order, none of them consumed.
 *
 * @param items  to draw from: a list without repeats, or how many there are of 0, 1, 2 ...
 * @param into   takes as many as it has places, or as there are
 * @returns how many were drawn
 */
export function sampleItems(
  items: Int32Array | number,
  consumed: ItemSet,
  random: Generator,
  into: Int32Array,
): number {
  const size = typeof items === 'number' ? items : items.length;
  const wanted = Math.min(into.length, size);
  if (wanted === 0) return 0;
  const itemAt = (at: number) => (typeof items === 'number' ? at : items[at]);
  // Draws that hit what is drawn or consumed already are made again: at most half of them on average, else all are gone through.
  if (2 * (wanted + consumed.size) <= size && wanted <= 64) {
    for (let drawn = 0; drawn < wanted; ) {
      const item = itemAt(random.integer(size));
      if (consumed.has(item)) continue;
      let isNew = true;
      for (let at = 0; at < drawn; at++) if (into[at] === item) isNew = false;
      if (isNew) into[drawn++] = item;
    }
    return wanted;
  }
  const left = new Int32Array(size);
  let numLeft = 0;
  for (let at = 0; at < size; at++) {
    const item = itemAt(at);
    if (!consumed.has(item)) left[numLeft++] = item;
  }
  const count = Math.min(wanted, numLeft);
  for (let at = 0; at < count; at++) {
    const other = at + (numLeft - at > 1 ? random.integer(numLeft - at) : 0);
    into[at] = left[other];
    left[other] = left[at];
  }
  return count;
}

/**
 * Chances of the places of a ranking, worst first, in T-RECS' probabilistic recommendations: proportional to 2^x, x in n even steps
 * from 0 to n / 10.
 *
 * @param n  items ranked
 * @returns [n] rising, of sum 1
 */
export function rankWeights(n: number): Float64Array {
  // Down from the best, whose weight is 1 before scaling: 2^(n/10) itself is no number from n = 10,240 on.
  const step = n > 1 ? n / 10 / (n - 1) : 0;
  const weights = Float64Array.from({ length: n }, (_, place) => 2 ** ((place - (n - 1)) * step));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/**
 * Draws places of a ranking by {@link rankWeights}, none twice: one after another, each by the weights of those left.
 *
 * @returns [k] places counted from the best, which is 0, in the order they were drawn
 */
export function drawRanks(n: number, k: number, random: Generator): Int32Array {
  const weights = rankWeights(n);
  const drawn = new Int32Array(k);
  const isDrawn = new Uint8Array(n);
  let total = 1;
  for (let at = 0; at < k; at++) {
    let rest = random.uniform() * total;
    let place = n - 1;
    // From the best, where the weight is; places drawn weigh nothing.
    for (; place > 0; place--) {
      rest -= weights[place];
      if (rest < 0) break;
    }
    while (isDrawn[place]) place = place > 0 ? place - 1 : isDrawn.lastIndexOf(0);
    drawn[at] = n - 1 - place;
    total -= weights[place];
    weights[place] = 0;
    isDrawn[place] = 1;
  }
  return drawn;
}
