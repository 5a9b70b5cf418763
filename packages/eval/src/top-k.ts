import type { Recommendations } from './recommender.js';

type Scores = Float32Array | Float64Array;

/**
 * Writes the k best items of a dense score row as list `list`; equal scores rank the lower item id first.
 *
 * Items with score -Infinity (masked) or NaN never enter; places left over hold item -1 and score -Infinity.
 * A heap of k entries with the worst kept item at its root: O(N), and O(log k) for each item that enters.
 *
 * @param scores  [N], one score per item; compared in its own precision, stored as float32
 * @param into    gets k items and scores in place of its list `list`
 */
export function writeTopK(scores: Scores, into: Recommendations, list: number): void {
  const { k } = into;
  const start = list * k;
  const heap = into.items.subarray(start, start + k);
  let size = 0;
  let threshold = -Infinity; // the worst kept score, once k items are kept
  // Items come in order of id, so one that only equals the worst kept loses its tie.
  let item = nextAbove(scores, 0, threshold);
  while (item < scores.length) {
    if (size < k) rise(scores, heap, item, size++);
    else sink(scores, heap, item, k);
    if (size === k) threshold = scores[heap[0]];
    item = nextAbove(scores, item + 1, threshold);
  }
  // Heap sort: the worst goes last, again and again.
  for (let end = size - 1; end > 0; end--) {
    const item = heap[end];
    heap[end] = heap[0];
    sink(scores, heap, item, end);
  }
  heap.fill(-1, size);
  for (let place = 0; place < k; place++) {
    into.scores[start + place] = place < size ? scores[heap[place]] : -Infinity;
  }
}

/** The first item from `item` on with a score above a threshold; N when there is none. By fours, as nearly all are below it. */
function nextAbove(scores: Scores, item: number, threshold: number): number {
  const isAbove = (at: number) => scores[at] > threshold;
  const { length } = scores;
  let at = item;
  while (at + 4 <= length && !(isAbove(at) || isAbove(at + 1) || isAbove(at + 2) || isAbove(at + 3))) at += 4;
  while (at < length && !isAbove(at)) at++;
  return at;
}

function isWorse(scores: Scores, a: number, b: number): boolean {
  return scores[a] < scores[b] || (scores[a] === scores[b] && a > b);
}

/** Adds an item as the heap's last and lets it rise past better ones. */
function rise(scores: Scores, heap: Int32Array, item: number, last: number): void {
  let place = last;
  while (place > 0) {
    const parent = (place - 1) >> 1;
    if (!isWorse(scores, item, heap[parent])) break;
    heap[place] = heap[parent];
    place = parent;
  }
  heap[place] = item;
}

/** Puts an item in the root's place and lets it sink past worse ones. */
function sink(scores: Scores, heap: Int32Array, item: number, size: number): void {
  let place = 0;
  for (;;) {
    let child = 2 * place + 1;
    if (child >= size) break;
    if (child + 1 < size && isWorse(scores, heap[child + 1], heap[child])) child++;
    if (!isWorse(scores, heap[child], item)) break;
    heap[place] = heap[child];
    place = child;
  }
  heap[place] = item;
}
