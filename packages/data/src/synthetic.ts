import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createGenerator, createKey, foldIn, type Generator, permutation } from '@codebeam/random';
import { formatPythonLiteral, type PythonValue } from './python-literal.js';
import { writeFileAtomically } from './write-file.js';

/**
 * A made-up shop of product lines. A user walks through it from item to item and never takes one twice. Given the last
 * item, the next one is
 * - with 0.60 the next of its line (after the last of the line the first),
 * - with 0.15 the same step of the next line,
 * - with 0.15 any of its line, each as likely,
 * - with 0.10 any item of the shop, by popularity, which also chooses the first item,
 *
 * all this limited to the items that the user has not had. So the distribution of the next item is known exactly, and
 * with it how good a recommender can be. Categories, brands and titles tell line and step; ids tell nothing.
 */
export interface SyntheticOptions {
  /** Integer in [0, 2^53). */
  seed: number;
  /** Default 1200. Each has 5 to 12 interactions, on as many days. */
  users?: number;
  /** Product lines, from 2. Default 20. */
  lines?: number;
  /** Items of a line, from 2. Default 12. */
  steps?: number;
}

export interface SyntheticFiles {
  /** `reviews_Synthetic_5.json.gz`: JSON lines in the order of the items' ids. */
  reviews: string;
  /** `meta_Synthetic.json.gz`: Python literals. */
  meta: string;
  users: number;
  items: number;
  interactions: number;
}

const nextStepShare = 0.6;
const nextLineShare = 0.15;
const sameLineShare = 0.15;
const anywhereShare = 0.1;
const minLength = 5;
const maxLength = 12;

/**
 * Writes the synthetic shop in the layout of Amazon's 2014 files, so that it goes through the same readers. The same
 * options give the same bytes. The data are their own 5-core.
 *
 * @throws RangeError when there are fewer than 2 lines, 2 steps or 14 items
 * @throws Error when an item has fewer than 5 interactions, as with very few users, or when the folder is not writable
 */
export async function writeSyntheticAmazon(folder: string, options: SyntheticOptions): Promise<SyntheticFiles> {
  const shop = createShop(options);
  const { users = 1200 } = options;
  const reviews: { asin: string; line: string }[] = [];
  const itemRows = new Int32Array(shop.asins.length);
  for (let user = 0; user < users; user++) {
    const generator = createGenerator(foldIn(foldIn(createKey(options.seed, 'sample'), 1), user));
    let day = 15_000 + generator.integer(500);
    for (const item of walk(shop, generator)) {
      day += 1 + generator.integer(14);
      itemRows[item]++;
      reviews.push({ asin: shop.asins[item], line: formatReview(user, shop.asins[item], day) });
    }
  }
  const rarest = itemRows.reduce((least, rows) => Math.min(least, rows), Number.POSITIVE_INFINITY);
  if (rarest < 5) {
    throw new Error(`data: every synthetic item must have 5 interactions, got ${rarest}; raise users or lower lines`);
  }
  // As in Amazon's files; the sort is stable, and users were appended in order.
  reviews.sort((a, b) => (a.asin < b.asin ? -1 : a.asin > b.asin ? 1 : 0));
  const files = {
    reviews: join(folder, 'reviews_Synthetic_5.json.gz'),
    meta: join(folder, 'meta_Synthetic.json.gz'),
    users,
    items: shop.asins.length,
    interactions: reviews.length,
  };
  await writeFileAtomically(files.reviews, gzipSync(reviews.map(({ line }) => `${line}\n`).join('')));
  const entries = shop.asins.map((_, item) => formatPythonLiteral(describeItem(shop, item))).sort();
  await writeFileAtomically(files.meta, gzipSync(entries.map((line) => `${line}\n`).join('')));
  return files;
}

/**
 * The highest recall@k that any recommender can expect on the given cases of a synthetic shop: for each case the summed
 * probability of k items under the distribution that made the target, averaged over the cases. Exact, but for the
 * rounding of doubles; a measured recall varies around it by the chance of the targets.
 *
 * `masked`: the k most probable items that are not in the history. It is the maximum, as nobody takes an item twice.
 * `unmasked`: the k most probable items given the last item alone, items of the history among them: the best for a
 * recommender that does not know that rule.
 *
 * @param options  those that the data were written with
 * @param cases    histories of dense item ids, oldest first, complete (not truncated)
 * @param itemIds  source ids by dense item id
 * @param k        from 1
 * @throws RangeError when k is not such an integer, a history is empty or an id is not of this shop
 */
export function bestPossibleRecall(
  options: SyntheticOptions,
  cases: readonly { history: Int32Array }[],
  itemIds: readonly string[],
  k: number,
): { masked: number; unmasked: number } {
  if (!Number.isInteger(k) || k < 1) throw new RangeError(`data: k must be an integer from 1, got ${k}; 10 is usual`);
  const shop = createShop(options);
  const places = new Map(shop.asins.map((asin, item) => [asin, item]));
  const items = itemIds.map((id) => {
    const item = places.get(id);
    if (item === undefined) {
      throw new RangeError(
        `data: item ids must be those of the synthetic shop, got ${id}; give the options of the data`,
      );
    }
    return item;
  });
  let masked = 0;
  let unmasked = 0;
  for (const { history } of cases) {
    const had = Array.from(history, (item) => items[item]);
    const probabilities = nextItemProbabilities(shop, had);
    const descending = probabilities.slice().sort((a, b) => b - a);
    for (const probability of descending.subarray(0, k)) masked += probability;
    for (const item of best(transitions(shop, had[had.length - 1]), k)) unmasked += probabilities[item];
  }
  return { masked: masked / cases.length, unmasked: unmasked / cases.length };
}

interface Shop {
  lines: number;
  steps: number;
  /** Id of item `line * steps + step`. */
  asins: string[];
  /** [items] sums to 1 */
  popularity: Float64Array;
}

export function createShop({ seed, lines = 20, steps = 12 }: SyntheticOptions): Shop {
  if (
    !Number.isInteger(lines) ||
    !Number.isInteger(steps) ||
    lines < 2 ||
    steps < 2 ||
    lines * steps <= maxLength + 1
  ) {
    throw new RangeError(
      `data: a synthetic shop must have 2 lines, 2 steps and ${maxLength + 2} items or more, got ${lines} x ${steps}; ` +
        '20 x 12 is the default',
    );
  }
  const numItems = lines * steps;
  // Ids in random order: the order of the file, and ties broken by id, must tell nothing of the walk.
  const ranks = permutation(foldIn(createKey(seed, 'sample'), 0), numItems);
  const popularity = Float64Array.from({ length: numItems }, (_, item) => (1 + Math.floor(item / steps)) ** -0.35);
  const total = popularity.reduce((sum, weight) => sum + weight, 0);
  return {
    lines,
    steps,
    asins: Array.from(ranks, (rank) => `B00S${String(rank).padStart(6, '0')}`),
    popularity: popularity.map((weight) => weight / total),
  };
}

/** [items] probabilities of the next item given the last one, before items of the history are taken out. */
function transitions(shop: Shop, last: number): Float64Array {
  const { lines, steps, popularity } = shop;
  const line = Math.floor(last / steps);
  const step = last % steps;
  const probabilities = popularity.map((share) => anywhereShare * share);
  for (let other = 0; other < steps; other++) probabilities[line * steps + other] += sameLineShare / steps;
  probabilities[line * steps + ((step + 1) % steps)] += nextStepShare;
  probabilities[((line + 1) % lines) * steps + step] += nextLineShare;
  return probabilities;
}

/** [items] probabilities of the next item given everything the user had, oldest first; zero for what the user had. */
export function nextItemProbabilities(shop: Shop, history: readonly number[]): Float64Array {
  if (history.length === 0) throw new RangeError('data: a history must hold an item, got none; give at least one');
  const probabilities = transitions(shop, history[history.length - 1]);
  for (const item of history) probabilities[item] = 0;
  const total = probabilities.reduce((sum, probability) => sum + probability, 0);
  return probabilities.map((probability) => probability / total);
}

function walk(shop: Shop, generator: Generator): number[] {
  const length = minLength + generator.integer(maxLength - minLength + 1);
  const items = [draw(shop.popularity, generator)];
  while (items.length < length) items.push(draw(nextItemProbabilities(shop, items), generator));
  return items;
}

function draw(probabilities: Float64Array, generator: Generator): number {
  let left = generator.uniform();
  let last = 0;
  for (let item = 0; item < probabilities.length; item++) {
    if (probabilities[item] === 0) continue;
    left -= probabilities[item];
    if (left < 0) return item;
    last = item; // the sum may end a rounding below 1
  }
  return last;
}

/** The k items of highest probability, ties to the lower number. */
function best(probabilities: Float64Array, k: number): number[] {
  const items = Array.from(probabilities, (_, item) => item);
  return items.sort((a, b) => probabilities[b] - probabilities[a] || a - b).slice(0, k);
}

const departments = ['Hair & Scalp', 'Skin', 'Garden', 'Kitchen'];
const lineNames = [
  ['Curl', 'Colour', 'Volume', 'Repair', 'Scalp'],
  ['Face', 'Hand', 'Foot', 'Sun', 'Lip'],
  ['Rose', 'Herb', 'Lawn', 'Orchard', 'Pond'],
  ['Bread', 'Coffee', 'Grill', 'Noodle', 'Pickle'],
];
const stepNames = [
  'Starter',
  'Cleaner',
  'Soak',
  'Powder',
  'Brush',
  'Spray',
  'Cream',
  'Oil',
  'Wrap',
  'Lamp',
  'Polish',
  'Box',
];
const brandStems = ['Ala', 'Bel', 'Cor', 'Dun', 'Eri', 'Fal', 'Gra', 'Hol', 'Isk', 'Jun', 'Kel', 'Lum'];
const brandEnds = ['dine', 'mora', "n d'Or", 'ton', 'vale'];
/** Steps of a line that share a brand. */
const stepsPerBrand = 4;

/** A metadata entry with the gaps and the HTML that real ones have. */
function describeItem(shop: Shop, item: number): { [key: string]: PythonValue } {
  const line = Math.floor(item / shop.steps);
  const step = item % shop.steps;
  const numDepartments = departments.length;
  const department = line % numDepartments;
  const lineName = numbered(lineNames[department], Math.floor(line / numDepartments));
  const stepName = numbered(stepNames, step);
  const brandNumber = line * Math.ceil(shop.steps / stepsPerBrand) + Math.floor(step / stepsPerBrand);
  const stem = brandStems[brandNumber % brandStems.length];
  const brand = stem + numbered(brandEnds, Math.floor(brandNumber / brandStems.length));
  return {
    asin: shop.asins[item],
    title: `${brand} ${lineName} ${stepName}, Step ${step + 1}`,
    ...(item % 11 !== 10 && { price: Number((4.99 + 3 * step + line / 10).toFixed(2)) }),
    ...(item % 17 !== 16 && { brand }),
    description: `The ${stepName.toLowerCase()} of the ${lineName.toLowerCase()} line by ${brand} &amp; friends.`,
    categories: [['Synthetic Shop', departments[department], lineName, stepName]],
  };
}

/** The names in turn, with a number from the second round on. */
function numbered(names: readonly string[], index: number): string {
  const round = Math.floor(index / names.length);
  return names[index % names.length] + (round === 0 ? '' : ` ${round + 1}`);
}

function formatReview(user: number, asin: string, day: number): string {
  const date = new Date(day * 86_400_000);
  const [year, month, dayOfMonth] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
  return JSON.stringify({
    reviewerID: `A${String(user).padStart(9, '0')}`,
    asin,
    helpful: [0, 0],
    reviewText: 'Synthetic.',
    overall: 5,
    summary: 'Synthetic',
    unixReviewTime: day * 86_400,
    reviewTime: `${String(month).padStart(2, '0')} ${dayOfMonth}, ${year}`,
  });
}
