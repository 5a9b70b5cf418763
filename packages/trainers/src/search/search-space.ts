import { createGenerator, foldIn, type Key } from '@codebeam/random';
import { z } from 'zod';

/** What an option may be set to. */
export type OptionValue = string | number | boolean | null | readonly OptionValue[];

/** A point of a search space: option values by dotted key. */
export type Hyperparameters = Readonly<Record<string, OptionValue>>;

/**
 * A stretch of numbers. Draws happen on an axis, which is the logarithm of the value where `log` is set: there the density is flat
 * between `low` and `high`, or normal. Values with a step are its multiples; the axis then reaches half a step beyond them.
 */
export interface NumberDomain {
  kind: 'number';
  /** Of values, both included. */
  min: number;
  max: number;
  log: boolean;
  step?: number;
  /** Of the axis. */
  low: number;
  high: number;
  /** Given where the density is normal, in which case nothing bounds it. */
  normal?: { mean: number; deviation: number };
}

export type Domain =
  | { kind: 'fixed'; value: OptionValue }
  | { kind: 'choice'; values: readonly OptionValue[] }
  | NumberDomain;

/** What each dotted key may be. */
export type SearchSpace = Readonly<Record<string, Domain>>;

/** What follows the name of each distribution. */
const distributions = {
  uniform: 'min, max',
  quniform: 'min, max, step',
  loguniform: 'min, max, base?',
  qloguniform: 'min, max, step, base?',
  randn: 'mean, deviation',
  qrandn: 'mean, deviation, step',
  randint: 'min, max',
  qrandint: 'min, max, step',
  lograndint: 'min, max, base?',
  qlograndint: 'min, max, step, base?',
} as const;

type Distribution = keyof typeof distributions;

/**
 * A search space as configs write it. `[uniform, 1e-4, 1e-2]` draws; a bare list, like `[grid, ...]` and `[choice, ...]`, lists values;
 * anything else is fixed. Nested options become dotted keys.
 *
 * Bounds are those of Ray Tune: `max` is excluded by `randint` and `lograndint`, included by all others. A base is the logarithm's,
 * which changes no draw. A list as a value stands in a list: `[[512, 256]]`.
 */
export const searchSpaceSchema = z.record(z.string(), z.unknown()).transform((raw, context): SearchSpace => {
  const space: Record<string, Domain> = {};
  for (const [key, value] of flatten(raw)) {
    try {
      space[key] = parseDomain(value);
    } catch (error) {
      context.addIssue({ code: 'custom', path: key.split('.'), message: (error as Error).message, input: value });
    }
  }
  return space;
});

/** @throws RangeError naming the first key whose values are not as {@link searchSpaceSchema} says */
export function parseSearchSpace(raw: object): SearchSpace {
  const result = searchSpaceSchema.safeParse(raw);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0];
  throw new RangeError(`trainers: search space key ${path.join('.')} ${message}`);
}

function* flatten(options: object, prefix = ''): Generator<[string, unknown]> {
  for (const [key, value] of Object.entries(options)) {
    const isNested = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (isNested) yield* flatten(value, `${prefix}${key}.`);
    else yield [`${prefix}${key}`, value];
  }
}

/** The inverse of flattening: `{ 'training.batchSize': 64 }` is `{ training: { batchSize: 64 } }`, as models take their options. */
export function nestOptions(values: Hyperparameters): { [key: string]: unknown } {
  const nested: { [key: string]: unknown } = {};
  for (const [key, value] of Object.entries(values)) {
    const path = key.split('.');
    const last = path.pop()!;
    let at = nested;
    for (const part of path) {
      at[part] ??= {};
      at = at[part] as typeof nested;
    }
    at[last] = value;
  }
  return nested;
}

function parseDomain(value: unknown): Domain {
  if (!Array.isArray(value)) return { kind: 'fixed', value: parseValue(value) };
  const [name, ...rest] = value;
  if (typeof name === 'string' && Object.hasOwn(distributions, name)) return parseNumbers(name as Distribution, rest);
  const values = (name === 'grid' || name === 'choice' ? rest : value).map(parseValue);
  if (values.length === 0) {
    throw new RangeError('must list at least one value, got none; write the value alone to fix it');
  }
  const texts = values.map((one) => JSON.stringify(one));
  const twice = texts.find((text, i) => texts.indexOf(text) < i);
  if (twice !== undefined) throw new RangeError(`must list each value once, got ${twice} twice; take one out`);
  return { kind: 'choice', values };
}

function parseValue(value: unknown): OptionValue {
  const isPlain = value === null || ['string', 'boolean'].includes(typeof value) || Number.isFinite(value);
  if (isPlain) return value as OptionValue;
  if (Array.isArray(value)) return value.map(parseValue);
  throw new RangeError(`must hold numbers, words, booleans or lists of them, got ${JSON.stringify(value)}`);
}

/** @param given  what follows the name of the distribution */
function parseNumbers(name: Distribution, given: readonly unknown[]): NumberDomain {
  const wanted = distributions[name].split(', ');
  const needed = wanted.filter((word) => !word.endsWith('?')).length;
  const counts = wanted.length > needed ? `${needed} or ${wanted.length}` : needed;
  const check = (holds: boolean, expectation: string) => {
    if (holds) return;
    throw new RangeError(
      `must ${expectation}, got [${[name, ...given].join(', ')}]; write [${name}, ${distributions[name]}], or [grid, ${name}, ...] if ${name} is a value`,
    );
  };
  const hasNumbers = given.length >= needed && given.length <= wanted.length && given.every(Number.isFinite);
  check(hasNumbers, `have ${counts} numbers after ${name}`);
  const [first, second, third] = given as number[];
  const isQuantized = name.startsWith('q');
  const isInteger = name.includes('int');
  const step = isQuantized ? third : isInteger ? 1 : undefined;
  check(step === undefined || step > 0, 'have a positive step');
  check(given.length === needed || (given[needed] as number) > 1, 'have a base above 1');
  if (name.endsWith('randn')) {
    check(second > 0, 'have a positive deviation');
    return normalDomain(first, second, step);
  }
  check(!isInteger || [first, second, step].every(Number.isInteger), 'have whole numbers');
  const last = isInteger && !isQuantized ? second - 1 : second;
  const range = rangeDomain(first, last, name.includes('log'), step);
  check(step ? range.min <= range.max : range.min < range.max, 'have a value between min and max');
  check(!range.log || range.min > 0, 'have a positive min');
  return range;
}

function normalDomain(mean: number, deviation: number, step?: number): NumberDomain {
  const unbounded = { min: -Infinity, max: Infinity, low: -Infinity, high: Infinity };
  return { kind: 'number', log: false, ...unbounded, ...(step && { step }), normal: { mean, deviation } };
}

function rangeDomain(first: number, last: number, log: boolean, step?: number): NumberDomain {
  const min = step ? toMultiple(Math.ceil(roundOff(first / step)), step) : first;
  const max = step ? toMultiple(Math.floor(roundOff(last / step)), step) : last;
  const half = (step ?? 0) / 2;
  const toAxis = (edge: number) => (log ? Math.log(edge) : edge);
  return { kind: 'number', min, max, log, ...(step && { step }), low: toAxis(min - half), high: toAxis(max + half) };
}

/** 0.3 / 0.1 is 2.9999999999999996, and 3 * 0.1 is 0.30000000000000004. */
const roundOff = (value: number) => Number(value.toPrecision(12));
const toMultiple = (count: number, step: number) => roundOff(count * step);

/** The value at a place of the axis: exponentiated, rounded to the step, within the bounds. */
export function valueAt({ log, step, min, max }: NumberDomain, place: number): number {
  const value = log ? Math.exp(place) : place;
  const stepped = step ? toMultiple(Math.round(value / step), step) : value;
  return Math.min(max, Math.max(min, stepped));
}

/** Where on the axis a value lies. */
export const placeOf = ({ log }: NumberDomain, value: number) => (log ? Math.log(value) : value);

/** A few values of a domain: all of a list; of a stretch both ends, where it has any, and one between. */
export function exampleValues(domain: Domain): readonly OptionValue[] {
  if (domain.kind === 'fixed') return [domain.value];
  if (domain.kind === 'choice') return domain.values;
  const { min, max, low, high, normal } = domain;
  if (normal) return [valueAt(domain, normal.mean)];
  return [min, valueAt(domain, low + 0.382 * (high - low)), max];
}

/** A random point of the space; each option has a stream of its own below the key. */
export function sampleSpace(space: SearchSpace, key: Key): Hyperparameters {
  return mapSpace(space, (domain, _, index) => {
    if (domain.kind === 'fixed') return domain.value;
    const generator = createGenerator(foldIn(key, index));
    if (domain.kind === 'choice') return domain.values[generator.integer(domain.values.length)];
    const { low, high, normal } = domain;
    if (normal) return valueAt(domain, normal.mean + normal.deviation * generator.normal());
    return valueAt(domain, low + generator.uniform() * (high - low));
  });
}

/** A point of the space from each of its domains. */
export function mapSpace(
  space: SearchSpace,
  choose: (domain: Domain, key: string, index: number) => OptionValue,
): Hyperparameters {
  return Object.fromEntries(Object.entries(space).map(([key, domain], index) => [key, choose(domain, key, index)]));
}

/**
 * How many points a finite space has.
 *
 * @throws RangeError naming a key with infinitely many values
 */
export function gridSize(space: SearchSpace): number {
  return Object.entries(space).reduce((size, [key, domain]) => size * valueCount(key, domain), 1);
}

/** The point of that number of a finite space, from 0; the last key changes fastest. Undefined behind the last. */
export function gridPoint(space: SearchSpace, number: number): Hyperparameters | undefined {
  let rest = number;
  const point: [string, OptionValue][] = [];
  for (const [key, domain] of Object.entries(space).reverse()) {
    const count = valueCount(key, domain);
    point.unshift([key, valueNumber(domain, rest % count)]);
    rest = Math.floor(rest / count);
  }
  return rest > 0 ? undefined : Object.fromEntries(point);
}

/** Whether every option has finitely many values. */
export const isFiniteSpace = (space: SearchSpace) => Object.values(space).every(isFiniteDomain);

const isFiniteDomain = (domain: Domain) =>
  domain.kind !== 'number' || (domain.step !== undefined && Number.isFinite(domain.max - domain.min));

function valueCount(key: string, domain: Domain): number {
  if (domain.kind === 'fixed') return 1;
  if (domain.kind === 'choice') return domain.values.length;
  if (isFiniteDomain(domain)) return Math.round((domain.max - domain.min) / domain.step!) + 1;
  throw new RangeError(
    `trainers: search space key ${key} must have finitely many values for a grid, got a range; list them, or search by random or tpe`,
  );
}

function valueNumber(domain: Domain, number: number): OptionValue {
  if (domain.kind === 'fixed') return domain.value;
  return domain.kind === 'choice' ? domain.values[number] : roundOff(domain.min + number * domain.step!);
}
