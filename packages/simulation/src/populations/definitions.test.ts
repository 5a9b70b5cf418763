import { createGenerator, createKey } from '@codebeam/random';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { infectionProbability } from './bass.js';
import { chooseBest, chooseByDivisiveNormalization, dnUtility } from './choose-items.js';
import { createItems } from './creators.js';
import { diagnose } from './diagnose.js';
import { structuralVirality } from './diffusion-tree.js';
import { featureScoreRange } from './feature-score-range.js';
import { countChoices, jaccard, spreadOf } from './measure-interactions.js';
import { solveNonnegative } from './nonnegative-least-squares.js';
import { normOf, profileOf, profilesOf } from './profiles.js';
import { drawRanks, findBest, rankWeights, sampleItems, writeRanking } from './rank-items.js';
import { cosineSimilarity, innerProduct, pairwise } from './score-functions.js';
import { slerp } from './slerp.js';
import {
  addFriends,
  follow,
  followedBy,
  growGraph,
  growRandomGraph,
  randomGraph,
  removeFriends,
  socialGraph,
  unfollow,
} from './social-graph.js';

const generator = (seed = 1) => createGenerator(createKey(seed, 'sample'));
const closeTo = (actual: ArrayLike<number>, expected: readonly number[], digits = 6) => {
  expect(actual.length).toBe(expected.length);
  for (const [at, value] of expected.entries()) expect(actual[at]).toBeCloseTo(value, digits);
};

describe('slerp', () => {
  it('goes half the way of a right angle', () => closeTo(slerp([0, 1], [1, 0], 0.5), [Math.SQRT1_2, Math.SQRT1_2]));

  it('keeps the length of what it rotates, whatever that of the target', () => {
    const vector = fc.array(fc.double({ min: 0.1, max: 5, noNaN: true }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(vector, vector, fc.double({ min: 0, max: 1, noNaN: true }), (from, to, share) => {
        expect(normOf(slerp(from, to, share))).toBeCloseTo(normOf(from), 6);
      }),
    );
  });

  it('ends at the direction of the target, and stays where that has none or is the same', () => {
    closeTo(slerp([3, 4], [0, 2], 1), [0, 5]);
    closeTo(slerp([3, 4], [0, 0], 0.5), [3, 4]);
    closeTo(slerp([3, 4], [6, 8], 0.5), [3, 4]);
  });

  it('refuses opposite vectors, lengths that differ and shares above 1', () => {
    expect(() => slerp([1, 0], [-2, 0], 0.5)).toThrow('simulation: vectors to rotate must not be opposite');
    expect(() => slerp([1, 0], [1], 0.5)).toThrow('must have one length, got 2 and 1');
    expect(() => slerp([1, 0], [0, 1], 1.5)).toThrow('share of the angle must be from 0 to 1, got 1.5');
  });
});

describe('dnUtility', () => {
  it("gives T-RECS' values", () => {
    const values = dnUtility([120, 130, 140, 150], { sigma: 0.05, omega: 0.25, beta: 0.9 });
    closeTo(values, [0.762015, 0.825516, 0.889017, 0.952518]);
  });

  it('takes the fitted parameters when left out, and is 0 where there is nothing to divide by', () => {
    closeTo(dnUtility([1, 1]), [1 / (0.2376 * 2 ** (1 / 0.9739)), 1 / (0.2376 * 2 ** (1 / 0.9739))]);
    closeTo(dnUtility([0, 0]), [0, 0]);
  });
});

describe('choices', () => {
  const choice = (scores: number[], consumed: number[] = []) => ({
    user: 0,
    shown: Int32Array.from(scores.keys()),
    scores: Float64Array.from(scores),
    isConsumed: (item: number) => consumed.includes(item),
    random: generator(),
  });

  it('fall on the best score, the first of equal ones', () => expect(chooseBest()(choice([1, 3, 3]))).toBe(1));

  it('weigh scores by the place to the power of attention', () => {
    expect(chooseBest({ attentionExp: 1 })(choice([3, 2, 0.5]))).toBe(1); // 3, 4, 1.5
    expect(chooseBest({ attentionExp: -1 })(choice([3, 4, 8]))).toBe(0); // 3, 2, 2.67
  });

  it('pass over what was met, and fall on the first place where that is all', () => {
    expect(chooseBest({ repeatInteractions: false })(choice([1, 3, 2], [1]))).toBe(2);
    expect(chooseBest({ repeatInteractions: false })(choice([1, 3], [0, 1]))).toBe(0);
  });

  it('by divisive normalisation favour high utilities as normal noise of half a variance each would', () => {
    const choose = chooseByDivisiveNormalization({ sigma: 1, omega: 0, beta: 1 });
    const random = generator(5);
    const n = 20_000;
    let second = 0;
    for (let i = 0; i < n; i++) second += choose({ ...choice([0, 1]), random });
    // Two noises of variance 1 and covariance .5 differ with variance 1: P(N(0, 1) < 1) = .8413.
    expect(Math.abs(second / n - 0.8413)).toBeLessThan(5 * Math.sqrt((0.8413 * 0.1587) / n));
  });
});

describe('spreadOf', () => {
  it("gives T-RECS' values", () => {
    const histograms = [
      [0, 0, 1, 2],
      [0, 0, 0, 0],
      [0, 1, 2, 2],
    ].map((choices) => countChoices(choices, 3));
    expect(spreadOf(histograms[0])).toBe(-2.5);
    expect(spreadOf(histograms[1], histograms[0])).toBe(0.5);
    expect(spreadOf(histograms[2], histograms[1])).toBe(-0.5);
  });
});

describe('structuralVirality', () => {
  const star = [-1, 0, 0, 0, 0];
  const path = [-1, 0, 1, 2, 3];
  it('is the mean distance of Goel et al.', () => {
    expect(structuralVirality(star)).toBeCloseTo(1.6, 12);
    expect(structuralVirality(path)).toBeCloseTo(2, 12);
  });
  it("is half of it in T-RECS' formula", () => {
    expect(structuralVirality(star, { upstream: true })).toBeCloseTo(0.8, 12);
    expect(structuralVirality(path, { upstream: true })).toBeCloseTo(1, 12);
  });
  it('equals the mean of all distances, gone through one by one', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 14 }), (draws) => {
        const parents = [-1, ...draws.map((draw, at) => draw % (at + 1))];
        const n = parents.length;
        const depthPath = (node: number): number[] => (node < 0 ? [] : [node, ...depthPath(parents[node])]);
        let sum = 0;
        for (let a = 0; a < n; a++) {
          for (let b = 0; b < n; b++) {
            const [up, other] = [depthPath(a), depthPath(b)];
            const shared = up.filter((node) => other.includes(node)).length;
            sum += up.length + other.length - 2 * shared;
          }
        }
        expect(structuralVirality(parents)).toBeCloseTo(sum / (n * (n - 1)), 9);
      }),
    );
  });
  it('has no value of one node or of two trees', () => {
    expect(structuralVirality([-1])).toBeNaN();
    expect(structuralVirality([-1, 0, -1])).toBeNaN();
  });
});

describe('infectionProbability', () => {
  it('is .51 of two neighbours with .3 each', () => {
    expect(infectionProbability(0.3, 2)).toBeCloseTo(0.51, 12);
    expect(infectionProbability(0.3, 0)).toBe(0);
    expect(infectionProbability(1, 1)).toBe(1);
  });
});

describe('rankWeights', () => {
  it("gives T-RECS' chances of five places", () =>
    closeTo(rankWeights(5), [0.166924, 0.182031, 0.198507, 0.216473, 0.236065]));
  it('stays finite where 2^(n/10) is not', () => {
    const weights = rankWeights(50_000);
    expect(weights.reduce((a, b) => a + b)).toBeCloseTo(1, 9);
    expect(weights[49_999] / weights[49_989]).toBeCloseTo(2, 3);
  });
  it('is what ranks are drawn by, none twice', () => {
    const random = generator(2);
    const counts = [0, 0, 0, 0, 0];
    const n = 20_000;
    for (let i = 0; i < n; i++) counts[4 - drawRanks(5, 1, random)[0]]++;
    const weights = rankWeights(5);
    const chi = counts.reduce((sum, count, at) => sum + (count - n * weights[at]) ** 2 / (n * weights[at]), 0);
    expect(chi).toBeLessThan(18.5); // .999 quantile of 4 degrees of freedom
    expect([...drawRanks(5, 5, random)].sort()).toEqual([0, 1, 2, 3, 4]);
    expect(new Set(drawRanks(12_000, 12_000, random)).size).toBe(12_000); // the last weigh less than any number
  });
});

describe('rankings', () => {
  const nobody = new Set<number>();
  it('put better items first and break ties evenly', () => {
    const best = findBest(Float64Array.of(1, 5, 1, 1, 3, 1), 3);
    const random = generator(3);
    const thirds = new Map<number, number>();
    const n = 8000;
    for (let i = 0; i < n; i++) {
      const list = new Int32Array(3);
      expect(writeRanking(best, nobody, random, list)).toBe(3);
      expect([...list.subarray(0, 2)]).toEqual([1, 4]);
      thirds.set(list[2], (thirds.get(list[2]) ?? 0) + 1);
    }
    expect([...thirds.keys()].sort()).toEqual([0, 2, 3, 5]);
    const chi = [...thirds.values()].reduce((sum, count) => sum + (count - n / 4) ** 2 / (n / 4), 0);
    expect(chi).toBeLessThan(16.27); // .999 quantile of 3 degrees of freedom
  });

  it('give every order of equal items the same chance, above the boundary too', () => {
    const best = findBest(Float64Array.of(2, 2, 2, 1, 1), 4);
    const random = generator(4);
    const orders = new Map<string, number>();
    const n = 12_000;
    for (let i = 0; i < n; i++) {
      const list = new Int32Array(4);
      writeRanking(best, nobody, random, list);
      orders.set(list.join(), (orders.get(list.join()) ?? 0) + 1);
    }
    expect(orders.size).toBe(12); // 3! orders, 2 last ones
    const chi = [...orders.values()].reduce((sum, count) => sum + (count - n / 12) ** 2 / (n / 12), 0);
    expect(chi).toBeLessThan(31.26); // .999 quantile of 11 degrees of freedom
  });

  it('equal a full sort, whatever was consumed', () => {
    const scores = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(scores, fc.nat(), fc.array(fc.nat(), { maxLength: 5 }), fc.nat(), (values, size, met, seed) => {
        const consumed = new Set(met.map((item) => item % values.length));
        const left = values.length - consumed.size;
        const k = left === 0 ? 0 : 1 + (size % left);
        const best = findBest(Float64Array.from(values), Math.min(values.length, k + consumed.size));
        const list = new Int32Array(k);
        expect(writeRanking(best, consumed, generator(seed), list)).toBe(k);
        const sorted = values.filter((_, item) => !consumed.has(item)).sort((a, b) => b - a);
        expect(Array.from(list, (item) => values[item])).toEqual(sorted.slice(0, k));
        expect(new Set(list).size).toBe(k);
        expect([...list].some((item) => consumed.has(item))).toBe(false);
      }),
    );
  });

  it('name the item whose score is no number', () => {
    expect(() => findBest(Float64Array.of(1, Number.NaN), 2)).toThrow(
      'simulation: scores must be numbers, got NaN for item 1',
    );
  });

  it('sample different items that nobody has met', () => {
    for (const size of [4, 100]) {
      const into = new Int32Array(3);
      expect(sampleItems(size, new Set([2]), generator(size), into)).toBe(3);
      expect(new Set(into).size).toBe(3);
      expect(into.includes(2)).toBe(false);
    }
    expect(sampleItems(2, new Set([1]), generator(), new Int32Array(2))).toBe(1);
  });
});

describe('score functions', () => {
  const items = profilesOf([
    [1, 0, 2, 0, 1],
    [0, 3, 0, 1, 0],
    [0, 0, 0, 0, 0],
  ]);
  const user = Float64Array.of(3, 4, 0, 0, 12); // length 13
  it('scale users to length 1, items not', () => {
    const scores = new Float64Array(3);
    const score = innerProduct(items);
    score(user, scores);
    closeTo(scores, [15 / 13, 12 / 13, 0], 12);
    expect(score.at!(user, 0)).toBeCloseTo(15 / 13, 12);
    score(new Float64Array(5), scores);
    closeTo(scores, [0, 0, 0]);
  });
  it('take the cosine, and 0 of items of zeros', () => {
    const scores = new Float64Array(3);
    cosineSimilarity(items)(user, scores);
    closeTo(scores, [15 / (13 * Math.sqrt(6)), 12 / (13 * Math.sqrt(10)), 0], 12);
  });
  it('may be any function of two profiles', () => {
    const scores = new Float64Array(3);
    pairwise((a, b) => a[0] - b[0])(items)(user, scores);
    closeTo(scores, [2, 3, 3]);
  });
  it('equal plain sums of any number of attributes', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 1, maxLength: 11 }), (profile) => {
        const item = profile.map((_, a) => (a * 7) % 3);
        const scores = new Float64Array(1);
        innerProduct(profilesOf([item]))(Float64Array.from(profile), scores);
        const norm = normOf(profile) || 1;
        expect(scores[0]).toBeCloseTo(
          profile.reduce((sum, value, a) => sum + (value / norm) * item[a], 0),
          9,
        );
      }),
    );
  });
  it('name widths that do not fit', () => {
    expect(() => innerProduct(items)(Float64Array.of(1), new Float64Array(3))).toThrow(
      'simulation: users must have as many attributes as items (5), got 1',
    );
  });
});

describe('solveNonnegative', () => {
  it("gives SciPy's solution of a small problem", () => {
    // scipy.optimize.nnls([[1,0],[1,0],[0,1]], [2,1,1]) = [1.5, 1]; with y = [2,1,-1]: [1.5, 0].
    const gram = Float64Array.of(2, 0, 0, 1);
    closeTo(solveNonnegative(gram, Float64Array.of(3, 1)), [1.5, 1], 12);
    closeTo(solveNonnegative(gram, Float64Array.of(3, -1)), [1.5, 0], 12);
  });

  it.each([
    [30, 12],
    [12, 30], // more unknowns than equations
    [200, 60],
  ])('meets the conditions of a minimum, %i equations of %i unknowns, from any start', (rows, n) => {
    const random = generator(rows);
    const m = Array.from({ length: rows }, () => Array.from({ length: n }, () => Number(random.uniform() < 0.5)));
    const y = Array.from({ length: rows }, () => (random.uniform() < 0.2 ? random.integer(4) : 0));
    const gram = Float64Array.from({ length: n * n }, (_, at) =>
      m.reduce((sum, row) => sum + row[Math.floor(at / n)] * row[at % n], 0),
    );
    const b = Float64Array.from({ length: n }, (_, a) => m.reduce((sum, row, r) => sum + row[a] * y[r], 0));
    const error = (x: Float64Array) =>
      m.reduce((sum, row, r) => sum + (row.reduce((dot, value, a) => dot + value * x[a], 0) - y[r]) ** 2, 0);
    const x = solveNonnegative(gram, b);
    for (let i = 0; i < n; i++) {
      let slope = b[i];
      for (let j = 0; j < n; j++) slope -= gram[i * n + j] * x[j];
      expect(x[i]).toBeGreaterThanOrEqual(0);
      expect(slope).toBeLessThan(1e-7);
      if (x[i] > 0) expect(Math.abs(slope)).toBeLessThan(1e-7);
    }
    expect(x.some((value) => value > 0)).toBe(true);
    const started = solveNonnegative(gram, b, [0, 3, 5, 7]);
    expect(error(started)).toBeCloseTo(error(x), 7);
  });

  it('is zeros where nothing was met', () =>
    closeTo(solveNonnegative(Float64Array.of(2, 0, 0, 1), new Float64Array(2)), [0, 0]));
});

describe('social graphs', () => {
  it('let users follow and befriend others, and leave them', () => {
    let graph = socialGraph(4, [[0, 2]]);
    graph = follow(graph, [
      [0, 1],
      [0, 2],
    ]);
    expect([...followedBy(graph, 0)]).toEqual([1, 2]);
    graph = addFriends(graph, [[1, 3]]);
    expect([...followedBy(graph, 1), ...followedBy(graph, 3)]).toEqual([3, 1]);
    graph = unfollow(graph, [[0, 2]]);
    expect([...followedBy(graph, 0)]).toEqual([1]);
    graph = removeFriends(graph, [[3, 1]]);
    expect(graph.targets.length).toBe(1);
    expect([...growGraph(graph, 2).offsets]).toEqual([0, 1, 1, 1, 1, 1, 1]);
    expect(() => follow(graph, [[0, 4]])).toThrow('simulation: users of a graph must be in [0, 4), got 4');
  });

  it('are friendships of each pair with the same chance, in ascending rows', () => {
    const [n, p] = [300, 0.05];
    const graph = randomGraph(n, p, generator(6));
    const pairs = (n * (n - 1)) / 2;
    expect(Math.abs(graph.targets.length / 2 - p * pairs)).toBeLessThan(5 * Math.sqrt(pairs * p * (1 - p)));
    for (let user = 0; user < n; user++) {
      const row = [...followedBy(graph, user)];
      expect(row).toEqual([...new Set(row)].sort((a, b) => a - b));
      expect(row).not.toContain(user);
      for (const other of row) expect([...followedBy(graph, other)]).toContain(user);
    }
    expect(randomGraph(5, 1, generator()).targets.length).toBe(20);
    expect(randomGraph(5, 0, generator()).targets.length).toBe(0);
    expect(() => randomGraph(1_000_000, 0.3, generator())).toThrow('simulation: friendships must be fewer than');
  });

  it('grow by users who are friends with old and new ones by the same chance', () => {
    const [n, more, p] = [200, 100, 0.05];
    const old = randomGraph(n, p, generator(6));
    const graph = growRandomGraph(old, more, p, generator(7));
    expect(graph.numUsers).toBe(n + more);
    const pairs = n * more + (more * (more - 1)) / 2;
    const added = (graph.targets.length - old.targets.length) / 2;
    expect(Math.abs(added - p * pairs)).toBeLessThan(5 * Math.sqrt(pairs * p * (1 - p)));
    for (let user = 0; user < n + more; user++) {
      const row = [...followedBy(graph, user)];
      expect(row).toEqual([...new Set(row)].sort((a, b) => a - b));
      if (user < n) expect(row.filter((other) => other < n)).toEqual([...followedBy(old, user)]);
      for (const other of row) expect([...followedBy(graph, other)]).toContain(user);
    }
  });
});

describe('other definitions', () => {
  it('jaccard shares what both have', () => {
    expect(jaccard([1, 2, 2], [2, 3])).toBeCloseTo(1 / 3, 12);
    expect(jaccard([], [])).toBe(1);
  });

  it("the feature score range is by attribute, or T-RECS' over all together", () => {
    const items = profilesOf([
      [0, 10],
      [1, 14],
    ]);
    expect(featureScoreRange(items, [0, 1])).toBe(2.5);
    expect(featureScoreRange(items, [0, 1], { upstream: true })).toBe(14);
  });

  it('creators make items of the attributes that are sure, as often as they should', () => {
    const profiles = profilesOf(Array.from({ length: 4000 }, () => [0, 1, 0.5]));
    const items = createItems({ profiles, creationProbability: 0.25 }, generator());
    expect(Math.abs(items.rows - 1000)).toBeLessThan(5 * Math.sqrt(4000 * 0.25 * 0.75));
    let halves = 0;
    for (let item = 0; item < items.rows; item++) {
      const [never, always, half] = profileOf(items, item);
      expect([never, always]).toEqual([0, 1]);
      halves += half;
    }
    expect(Math.abs(halves - items.rows / 2)).toBeLessThan((5 * Math.sqrt(items.rows)) / 2);
    expect(() => createItems({ profiles: profilesOf([[2]]) }, generator())).toThrow(
      'simulation: profiles of creators must be chances, from 0 to 1, got 2',
    );
  });

  it("diagnoses as SciPy's skew, kurtosis and shapiro do", () => {
    // 7919 i mod 1009, over 1009; SciPy 1.17.1.
    const values = Float64Array.from({ length: 50 }, (_, i) => ((i * 7919) % 1009) / 1009);
    const { std, median, skew, kurtosis, sw_stat, sw_p, n } = diagnose(values);
    expect(std).toBeCloseTo(0.29161672731975413, 10);
    expect(median).toBeCloseTo(0.5267591674925669, 10);
    expect(skew).toBeCloseTo(-0.07991045574591937, 10);
    expect(kurtosis).toBeCloseTo(-1.1910130284923588, 10);
    expect(sw_stat).toBeCloseTo(0.954818582506777, 7);
    expect(sw_p).toBeCloseTo(0.053986531916633065, 6);
    expect(n).toBe(50);
    expect(diagnose(new Float64Array(5000).map((_, i) => i)).sw_p).toBeNaN();
    const { mean, std: none, skew: noSkew, kurtosis: flat } = diagnose(new Float64Array(100).fill(0.1));
    expect([mean, none, noSkew, flat]).toEqual([0.1, 0, Number.NaN, Number.NaN]);
  });
});
