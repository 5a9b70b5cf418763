import { createGenerator, createKey, foldIn, type Generator } from '@codebeam/random';
import { identityOf, type Observation, randomSampler, type Sampler } from './sampler.js';
import {
  type Hyperparameters,
  mapSpace,
  type NumberDomain,
  type OptionValue,
  placeOf,
  valueAt,
} from './search-space.js';

export interface TpeOptions {
  /** Trials that are drawn at random before. */
  startupTrials?: number;
  /** Share of the trials that count as good, of which 25 at most are looked at. */
  gamma?: number;
  /** Draws from the good trials' density, the most promising of which is proposed. */
  candidates?: number;
}

/**
 * The tree-structured Parzen estimator: what is likely among good trials and unlikely among the others. Bergstra et al. 2011,
 * "Algorithms for hyper-parameter optimization", sec. 4; one density per option, as there. A point that was tried makes room for a random
 * one that was not.
 */
export function tpeSampler({ startupTrials = 10, gamma = 0.15, candidates = 24 }: TpeOptions = {}): Sampler {
  const startup = randomSampler();
  return {
    name: 'tpe',
    looksBack: true,
    propose(space, proposal) {
      const { seed, trial, history } = proposal;
      if (history.length < startupTrials) return startup.propose(space, proposal);
      const sorted = history.toSorted((a, b) => a.loss - b.loss || 0); // Infinity - Infinity is NaN
      const numGood = Math.min(25, Math.ceil(gamma * history.length));
      const groups = [sorted.slice(0, numGood), sorted.slice(numGood)];
      const key = foldIn(createKey(seed, 'sample'), trial);
      const proposed = mapSpace(space, (domain, name, index) => {
        if (domain.kind === 'fixed') return domain.value;
        const [good, others] = groups.map((group) => density(domain, group, name));
        const generator = createGenerator(foldIn(key, index));
        const drawn = Array.from({ length: candidates }, () => good.draw(generator));
        return best(drawn, (value) => good.logDensity(value) - others.logDensity(value));
      });
      const tried = new Set(history.map(({ values }) => identityOf(values)));
      const isNew = (point: Hyperparameters) => !tried.has(identityOf(point));
      if (isNew(proposed)) return proposed;
      for (let draw = 0; ; draw++) {
        const point = startup.propose(space, { ...proposal, trial: draw });
        if (!point || isNew(point)) return point;
      }
    },
  };
}

interface Density<V> {
  draw(generator: Generator): V;
  logDensity(value: V): number;
}

function density(
  domain: NumberDomain | { kind: 'choice'; values: readonly OptionValue[] },
  group: readonly Observation[],
  name: string,
): Density<OptionValue> {
  const seen = group.map(({ values }) => values[name]);
  return domain.kind === 'choice'
    ? categorical(domain.values, seen)
    : (parzen(domain, seen as number[]) as Density<OptionValue>);
}

/** Counts, with one more of each value: the paper's N p + C. */
function categorical(values: readonly OptionValue[], seen: readonly OptionValue[]): Density<OptionValue> {
  const weights = new Map(values.map((value) => [JSON.stringify(value), 1]));
  for (const value of seen.map((one) => JSON.stringify(one))) weights.set(value, (weights.get(value) ?? 0) + 1);
  const weightOf = (value: OptionValue) => weights.get(JSON.stringify(value))!;
  return {
    draw(generator) {
      let rest = generator.uniform() * (seen.length + values.length);
      for (const value of values) {
        rest -= weightOf(value);
        if (rest < 0) return value;
      }
      return values[values.length - 1]; // rounding
    },
    logDensity: (value) => Math.log(weightOf(value) / (seen.length + values.length)),
  };
}

/**
 * The mean of a normal around each observation and of the prior, all cut off at the bounds. A normal is as wide as the way to its
 * farther neighbour, within limits; a value on steps has the mass of its step.
 */
export function parzen(domain: NumberDomain, seen: readonly number[]): Density<number> {
  const { low, high, step, normal } = domain;
  const prior = normal ?? { mean: (low + high) / 2, deviation: high - low };
  const centres = [...seen.map((value) => placeOf(domain, value)), prior.mean].sort((a, b) => a - b);
  const priorIndex = centres.indexOf(prior.mean);
  const narrowest = prior.deviation / Math.min(100, centres.length + 1);
  const components = centres.map((mean, i) => {
    if (i === priorIndex) return prior;
    const left = mean - Math.max(low, centres[i - 1] ?? low);
    const right = Math.min(high, centres[i + 1] ?? high) - mean;
    const farther = Math.max(...[left, right].filter(Number.isFinite));
    return { mean, deviation: Math.min(prior.deviation, Math.max(narrowest, farther)) };
  });
  const masses = components.map((one) => cdf(high, one) - cdf(low, one));
  const within = (place: number) => Math.min(high, Math.max(low, place));

  return {
    draw(generator) {
      const { mean, deviation } = components[generator.integer(components.length)];
      for (;;) {
        const place = mean + deviation * generator.normal();
        if (place >= low && place <= high) return valueAt(domain, place);
      }
    },
    logDensity(value) {
      const ends = step && [-step / 2, step / 2].map((half) => within(placeOf(domain, value + half)));
      const place = placeOf(domain, value);
      const parts = components.map(
        (one, i) => (ends ? cdf(ends[1], one) - cdf(ends[0], one) : pdf(place, one)) / masses[i],
      );
      return Math.log(parts.reduce((sum, part) => sum + part, 0) / components.length + Number.MIN_VALUE);
    },
  };
}

interface Normal {
  mean: number;
  deviation: number;
}

function pdf(x: number, { mean, deviation }: Normal): number {
  return Math.exp(-0.5 * ((x - mean) / deviation) ** 2) / (deviation * Math.sqrt(2 * Math.PI));
}

/** Abramowitz & Stegun 1964, eq. 26.2.17: off by 7.5e-8 at most. */
function cdf(x: number, { mean, deviation }: Normal): number {
  const z = (x - mean) / deviation;
  if (!Number.isFinite(z)) return z > 0 ? 1 : 0;
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const tail = pdf(z, { mean: 0, deviation: 1 }) * series;
  return z > 0 ? 1 - tail : tail;
}

function best<V>(values: readonly V[], merit: (value: V) => number): V {
  let [winner, highest] = [values[0], -Infinity];
  for (const value of values) {
    const own = merit(value);
    if (own > highest) [winner, highest] = [value, own];
  }
  return winner;
}
