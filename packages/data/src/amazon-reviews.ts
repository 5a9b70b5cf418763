import { parseTime } from './column-map.js';
import type { RawInteraction } from './interactions.js';
import { type Item, itemOf } from './items.js';
import { parsePythonLiteral } from './python-literal.js';
import { parseLines, type ToleranceOptions } from './read-lines.js';

/**
 * Reads Amazon review files, plain or gzip, line by line, in file order. Three formats, told apart by their keys:
 * 2014 and 2018 (`reviews_*_5.json.gz`, `*_5.json.gz`: reviewerID, asin, unixReviewTime in seconds, overall) and 2023
 * (`*.jsonl.gz`: user_id, parent_asin, timestamp in milliseconds, rating).
 *
 * McAuley et al. 2015; Ni et al. 2019; Hou et al. 2024.
 *
 * @throws Error naming file, line and reason: see `parseLines`
 */
export function readAmazonReviews(path: string, options: ToleranceOptions = {}): AsyncGenerator<RawInteraction> {
  return parseLines(path, parseReview, options);
}

/**
 * Reads Amazon metadata files, plain or gzip, line by line: 2014 (`meta_*.json.gz`, whose lines are Python literals),
 * 2018 (`meta_*.json.gz`, JSON) and 2023 (`meta_*.jsonl.gz`, JSON, by parent_asin).
 *
 * The whole catalogue is larger than what was reviewed: hand this to `alignItems`.
 *
 * @throws Error naming file, line and reason: see `parseLines`
 */
export function readAmazonItems(path: string, options: ToleranceOptions = {}): AsyncGenerator<Item> {
  return parseLines(path, parseItem, options);
}

function parseReview(line: string): RawInteraction {
  const review = parseObject(line);
  const is2023 = 'parent_asin' in review;
  const user = requireText(review, is2023 ? 'user_id' : 'reviewerID');
  const item = requireText(review, is2023 ? 'parent_asin' : 'asin');
  const timestamp = is2023
    ? parseTime(review.timestamp, 'timestamp', 'milliseconds')
    : parseTime(review.unixReviewTime, 'unixReviewTime', 'seconds');
  const rating = is2023 ? review.rating : review.overall;
  return { user, item, timestamp, ...(typeof rating === 'number' && { rating }) };
}

function parseItem(line: string): Item {
  const entry = parseObject(line);
  const is2023 = 'parent_asin' in entry;
  // 2014 has a list of paths; 2018 (as "category") and 2023 have one path.
  const categories = entry.category ?? entry.categories;
  const isOnePath = Array.isArray(categories) && !Array.isArray(categories[0]);
  return itemOf(requireText(entry, is2023 ? 'parent_asin' : 'asin'), {
    title: entry.title,
    brand: entry.brand ?? entry.store,
    categories: isOnePath ? [categories] : categories,
    price: entry.price,
    description: entry.description,
  });
}

/** A line as JSON or, as that is what the 2014 metadata hold, as a Python literal. */
function parseObject(line: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    // A line that begins as JSON does is broken JSON, and JSON's reason is the better one.
    if (!/^\s*\{\s*u?'/.test(line)) throw error;
    value = parsePythonLiteral(line);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SyntaxError(`a line must be an object, got ${JSON.stringify(value)?.slice(0, 40)}`);
  }
  return value as Record<string, unknown>;
}

function requireText(record: Record<string, unknown>, key: string): string {
  const value = record[key];
  if (typeof value !== 'string' || value === '') {
    throw new SyntaxError(`"${key}" must be a text, got ${JSON.stringify(value)}`);
  }
  return value;
}
