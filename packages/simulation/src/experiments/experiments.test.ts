import { describeSample, type SampleSummary, welchTest } from '@codebeam/eval';
import { createGenerator, createKey, foldIn } from '@codebeam/random';
import { describe, expect, it } from 'vitest';
import {
  adviseOnSampleSize,
  analyseExperiment,
  analyseUsers,
  bucketOf,
  bucketsOf,
  collectEvents,
  confidenceSequence,
  detectableEffect,
  experimentSchema,
  formatExperiment,
  murmur3,
  type Policy,
  policyByTreatment,
  randomPolicy,
  renderExperiment,
  sessionise,
  simulateSessions,
  stickyArtistPolicy,
  syntheticCatalogue,
  syntheticListeners,
  treatmentOf,
  type UserMetrics,
  userMetrics,
  usersPerGroup,
  usersReached,
} from '../index.js';

describe('buckets', () => {
  it.each([
    ['AA', 2, 1072275553, '1 1 0 1 1 1 1 1 1 1 0 0'],
    ['TOP_POP', 4, -1281029539, '1 3 1 3 0 1 2 0 1 3 1 0'],
    ['STICKY_ARTIST', 9, -920525308, '7 8 6 7 0 3 2 2 7 4 3 7'],
  ])('are those of botify: %s in %i', (name, ways, hash, buckets) => {
    expect(murmur3(name) | 0).toBe(hash);
    expect(Array.from({ length: 12 }, (_, user) => bucketOf({ name, ways }, user)).join(' ')).toBe(buckets);
    expect(Array.from(bucketsOf({ name, ways }, 12)).join(' ')).toBe(buckets);
  });

  it('split 10,000 users as botify does, in the ways that it has', () => {
    const counts = [0, 0, 0, 0];
    for (const bucket of bucketsOf({ name: 'TOP_POP', ways: 4 }, 10_000)) counts[bucket]++;
    expect(counts).toEqual([2443, 2556, 2481, 2520]);
    for (const ways of [2, 3, 4, 5, 7, 8, 9]) {
      expect(new Set(bucketsOf({ name: 'DLRM', ways }, 1000)).size).toBe(ways);
    }
  });

  it("match the course's own log", () => {
    const treatments = [8923, 351, 8074, 9052].map((user) => treatmentOf({ name: 'DLRM', ways: 2 }, user));
    expect(treatments).toEqual(['C', 'C', 'T1', 'T1']);
  });

  it('refuse one way', () => {
    expect(() => bucketOf({ name: 'x', ways: 1 }, 0)).toThrow(
      'simulation: ways of experiment x must be an integer from 2',
    );
  });
});

/** Two sessions of user 7 and an open one; one of user 3 in between. */
function smallLog() {
  const events = collectEvents();
  const add = (timestamp: number, user: number, message: 'next' | 'last', time: number, latency = 0.002) =>
    events.add(
      { message, timestamp, user, track: 0, time, latency, recommendation: message === 'next' ? 1 : null },
      { AA: user === 7 ? 1 : 0 },
    );
  add(50, 7, 'last', 0.5);
  add(10, 7, 'next', 1);
  add(20, 3, 'next', 1);
  add(30, 7, 'next', 0.25);
  add(40, 3, 'last', 0);
  add(60, 7, 'next', 1, 0.004);
  add(70, 7, 'last', 0.75);
  add(80, 7, 'next', 1);
  return events.finish();
}

describe('sessions of a log', () => {
  it('close at last, by user and time; an open one does not count', () => {
    const { users, tracks, time, latency, starts, experiments } = sessionise(smallLog());
    expect(Array.from(users)).toEqual([3, 7, 7]);
    expect(Array.from(tracks)).toEqual([2, 3, 2]);
    expect(Array.from(time)).toEqual([1, 1.75, 1.75]);
    expect(Array.from(latency)).toEqual([4, 6, 6]);
    expect(Array.from(starts)).toEqual([20, 10, 60]);
    expect(Array.from(experiments.AA)).toEqual([0, 1, 1]);
  });

  it('give metrics of users', () => {
    const { users, values, experiments } = userMetrics(sessionise(smallLog()));
    expect(Array.from(users)).toEqual([3, 7]);
    expect(Array.from(values.time)).toEqual([1, 3.5]);
    expect(Array.from(values.sessions)).toEqual([1, 2]);
    expect(Array.from(values.mean_request_latency)).toEqual([2, 2.4]);
    expect(Array.from(values.mean_tracks_per_session)).toEqual([2, 2.5]);
    expect(Array.from(values.mean_time_per_session)).toEqual([1, 1.75]);
    expect(Array.from(experiments.AA)).toEqual([0, 1]);
  });
});

/** n values of this mean and sample variance. */
function valuesOf(n: number, mean: number, variance: number): Float64Array {
  const shape = Float64Array.from({ length: n }, (_, i) => i - (n - 1) / 2);
  const scale = Math.sqrt(variance / describeSample(shape).variance);
  return shape.map((x) => mean + scale * x);
}

/** Users of several groups, who differ in one metric. */
function usersOf(groups: readonly Float64Array[]): Pick<UserMetrics, 'experiments' | 'values'> {
  const values = Float64Array.from(groups.flatMap((group) => Array.from(group)));
  const treatments = Int8Array.from(groups.flatMap((group, number) => Array.from(group, () => number)));
  const same = { time: values, sessions: values, mean_request_latency: values, mean_tracks_per_session: values };
  return { experiments: { AA: treatments }, values: { ...same, mean_time_per_session: values } };
}

describe('analyseExperiment', () => {
  const metrics = ['mean_time_per_session'] as const;

  it("has Welch's interval in percent of the control", () => {
    const users = usersOf([valuesOf(100, 10, 4), valuesOf(100, 11, 9)]);
    const { effects, groups } = analyseUsers(users, 'AA', { metrics });
    expect(effects).toHaveLength(1);
    const [{ percent, difference, isSignificant, treatment }] = effects;
    expect([treatment, isSignificant]).toEqual(['T1', true]);
    expect(percent.mean).toBeCloseTo(10, 9);
    expect(percent.low).toBeCloseTo(2.8833, 4);
    expect(percent.high).toBeCloseTo(17.1167, 4);
    expect(difference.low).toBeCloseTo(0.28833, 4);
    expect(groups.map(({ treatment, users }) => [treatment, users])).toEqual([
      ['C', 100],
      ['T1', 100],
    ]);
    const wider = analyseUsers(users, 'AA', { metrics, alpha: 0.001 }).effects[0];
    // t(.9995, 172.48) = 3.348 against t(.975) = 1.974
    expect((wider.percent.high - wider.percent.low) / (percent.high - percent.low)).toBeCloseTo(3.348 / 1.974, 2);
    expect(wider.isSignificant).toBe(false);
  });

  it('corrects for several comparisons on request', () => {
    const users = usersOf([valuesOf(100, 10, 4), valuesOf(100, 11, 9), valuesOf(100, 10.7, 9), valuesOf(100, 10, 4)]);
    const plain = analyseUsers(users, 'AA', { metrics }).effects;
    const corrected = analyseUsers(users, 'AA', { metrics, correction: 'holm' }).effects;
    expect(plain.map(({ isSignificant }) => isSignificant)).toEqual([true, false, false]);
    expect(corrected[0].adjustedPValue).toBeCloseTo(3 * plain[0].pValue, 12);
    expect(corrected[0].isSignificant).toBe(plain[0].pValue * 3 < 0.05);
    expect(analyseUsers(users, 'AA', { metrics, correction: 'bonferroni' }).effects[1].adjustedPValue).toBeCloseTo(
      Math.min(1, 3 * plain[1].pValue),
      12,
    );
  });

  it('prints a table and a page that needs nothing else', () => {
    const users = usersOf([valuesOf(100, 10, 4), valuesOf(100, 11, 9)]);
    const analysis = analyseUsers(users, 'AA', { metrics });
    const text = formatExperiment(analysis, ['random', '<b>']);
    expect(text).toContain('AA: C random (100 users), T1 <b> (100 users)');
    expect(text).toMatch(
      /mean_time_per_session {2}T1 +10\.0000 {2}11\.0000 {2}\+10\.0 % {2}\[\+2\.9 %, \+17\.1 %\] {2}0\.0062 {2}significant/,
    );
    const page = renderExperiment(analysis, { policies: ['random', '<b>'] });
    expect(page).toContain('T1 &#60;b&#62;');
    expect(page).toContain('+10.0 % [+2.9 %, +17.1 %]');
    expect(page).not.toMatch(/<script|https?:|src=/);
    expect(renderExperiment(analysis, { policies: ['random', '<b>'] })).toBe(page);
  });

  it('names each treatment by what it is where another one has no users', () => {
    const users = usersOf([valuesOf(100, 10, 4), new Float64Array(0), valuesOf(100, 12, 4)]);
    const policies = ['random', 'indexed', 'sticky'];
    const analysis = analyseUsers(users, 'AA', { metrics });
    expect(formatExperiment(analysis, policies)).toContain('AA: C random (100 users), T2 sticky (100 users)');
    expect(renderExperiment(analysis, { policies })).toContain('T2 sticky');
  });

  it('compares with another treatment on request, and shows both on one page', () => {
    const users = usersOf([valuesOf(100, 10, 4), valuesOf(100, 11, 9), valuesOf(100, 12, 4)]);
    const first = analyseUsers(users, 'AA', { metrics });
    const other = analyseUsers(users, 'AA', { metrics, control: 'T1', correction: 'holm' });
    expect(other.groups.map(({ treatment }) => treatment)).toEqual(['C', 'T1', 'T2']);
    expect(other.effects.map(({ treatment }) => treatment)).toEqual(['C', 'T2']);
    const [{ difference }] = first.effects;
    expect(other.effects[0].difference.low).toBeCloseTo(-difference.high, 12);
    expect(other.effects[1].percent.mean).toBeCloseTo(100 / 11, 12);
    const policies = ['random', 'indexed', 'sticky'];
    expect(formatExperiment(other, policies)).toMatch(
      /^AA against T1: C random \(100 users\), T1 indexed[\s\S]*mean_time_per_session {2}C +11\.0000 {2}10\.0000 {2}−9\.1 %/,
    );
    const page = renderExperiment([first, other], { policies });
    expect(page).toContain('Effects of AA against C random');
    expect(page).toContain('Effects of AA against T1 indexed');
    // t(.975, 99) = 1.98422, standard error .2
    expect(page).toContain('10.0000 [9.6032, 10.3968]');
    expect(() => analyseUsers(users, 'AA', { control: 'T3' })).toThrow('users of the control T3 and of a treatment');
  });

  it('refuses experiments that the log does not have, and single groups', () => {
    const users = usersOf([valuesOf(5, 10, 4)]);
    expect(() => analyseUsers(users, 'BB')).toThrow("simulation: experiment must be one of the log's (AA), got BB");
    expect(() => analyseUsers(users, 'AA')).toThrow(
      'must have users of the control C and of a treatment, got C; collect more',
    );
  });
});

describe('experiments on simulated sessions', () => {
  const catalogue = syntheticCatalogue({ seed: 42, tracks: 3000 });
  const users = syntheticListeners(catalogue, { seed: 42, users: 1000 });
  const experiment = { name: 'AA', ways: 2 };
  const run = (policies: Policy[], seed: number, episodes: number) =>
    simulateSessions({
      ...{ catalogue, users, seed, episodes },
      policy: policyByTreatment(experiment, policies),
      experiments: [experiment],
    });

  it('find nothing between equals in 45 of 50 seeds at least', async () => {
    const random = randomPolicy(catalogue);
    let found = 0;
    for (let seed = 0; seed < 50; seed++) {
      const log = await run([random, random], seed, 2000);
      const { effects } = analyseExperiment(log, 'AA', { metrics: ['mean_time_per_session'] });
      if (effects[0].isSignificant) found++;
    }
    expect(found).toBeLessThanOrEqual(5);
  });

  it('find sticky-artist better than random by a quarter', async () => {
    const log = await run([randomPolicy(catalogue), stickyArtistPolicy(catalogue)], 1, 9000);
    const [effect] = analyseExperiment(log, 'AA', { metrics: ['mean_time_per_session'] }).effects;
    expect(effect.percent.mean).toBeGreaterThan(25);
    expect(effect.isSignificant).toBe(true);
  });

  it('tell how long each policy takes', async () => {
    const slow: Policy = {
      ...randomPolicy(catalogue),
      async next(turns) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        return randomPolicy(catalogue).next(turns);
      },
    };
    const log = await simulateSessions({
      ...{ catalogue, users, seed: 1, episodes: 60, measureLatency: true, experiments: [experiment] },
      policy: policyByTreatment(experiment, [randomPolicy(catalogue), slow]),
    });
    const { groups } = analyseExperiment(log, 'AA', { metrics: ['mean_request_latency'] });
    const [quick, waited] = groups.map(({ metrics }) => metrics.mean_request_latency.mean);
    expect(waited).toBeGreaterThan(0.015);
    expect(quick).toBeLessThan(waited / 2);
  });

  it('need a policy for each way', () => {
    expect(() => policyByTreatment(experiment, [randomPolicy(catalogue)])).toThrow(
      'simulation: policies of experiment AA must be as many as its 2 ways, got 1',
    );
  });
});

describe('usersReached', () => {
  it('leaves out who has no session', () => {
    expect(usersReached(10_000, 5000)).toBe(3935); // 1 - e^-.5 of them
    expect(usersReached(100, 100_000)).toBe(100);
    expect(usersReached(1, 1)).toBe(1);
  });
});

describe('usersPerGroup', () => {
  it.each([
    [0.2, 394],
    [0.5, 64],
    [0.8, 26],
  ])('is what exact power analysis says for a difference of %f deviations: %i', (deviations, users) => {
    // G*Power 3.1, two-sided t-test of independent means, alpha .05, power .8.
    expect(usersPerGroup({ mean: 10, deviation: 1, effect: 10 * deviations })).toBe(users);
  });

  it('grows with power, with comparisons and with the inverse square of the effect', () => {
    const plan = { mean: 2, deviation: 1.5, effect: 5 };
    expect(usersPerGroup({ ...plan, power: 0.9 })).toBeGreaterThan(usersPerGroup(plan));
    expect(usersPerGroup({ ...plan, comparisons: 3 })).toBeGreaterThan(usersPerGroup(plan));
    expect(usersPerGroup({ ...plan, effect: 2.5 }) / usersPerGroup(plan)).toBeCloseTo(4, 1);
    expect(detectableEffect(plan, usersPerGroup(plan))).toBeLessThanOrEqual(5);
    expect(detectableEffect(plan, usersPerGroup(plan) - 1)).toBeGreaterThan(5);
    expect(() => usersPerGroup({ ...plan, effect: 0 })).toThrow('simulation: effect to find must differ from 0, got 0');
  });

  it('needs more users where one looks at any time, and finds the effect with the power then', () => {
    const plan = { mean: 2.1, deviation: 1.9, effect: 10, peeking: 10 };
    const needed = usersPerGroup(plan);
    expect(needed).toBeGreaterThan(1286); // of one look
    expect(detectableEffect(plan, needed)).toBeLessThanOrEqual(10);
    expect(detectableEffect(plan, needed - 1)).toBeGreaterThan(10);
    // Means of groups are as good as normal: 4,000 experiments of that size.
    const random = createGenerator(createKey(1, 'sample'));
    const group = (mean: number) => ({
      ...{ n: needed, mean: mean + random.normal() * (plan.deviation / Math.sqrt(needed)) },
      variance: plan.deviation ** 2,
    });
    const found = Array.from({ length: 4000 }, () => {
      return confidenceSequence(group(plan.mean * 1.1), group(plan.mean), { effect: 10 }).difference.low > 0;
    }).filter(Boolean).length;
    expect(Math.abs(found / 4000 - 0.8)).toBeLessThan(0.02);
  });

  it('is advised on in words, from a plan', () => {
    const plan = { mean: 2, deviation: 2, effect: 20, power: 0.8 };
    const config = { ...experimentSchema.parse({ name: 'x', treatments: ['a', 'b'] }), plan };
    expect(adviseOnSampleSize(config)).toEqual([
      '394 users in each of 2 groups find an effect of 20 % with a power of 0.8',
    ]);
    expect(adviseOnSampleSize(config, 788)[1]).toBe(
      'the 788 users to be expected, about 394 in a group, find one of 20.0 %',
    );
    // Two comparisons by each of five metrics share alpha.
    const corrected = { ...config, treatments: ['a', 'b', 'c'], correction: 'holm' as const };
    const needed = usersPerGroup({ mean: 2, deviation: 2, effect: 20, comparisons: 10 });
    expect(adviseOnSampleSize(corrected, 30)).toEqual([
      `${needed} users in each of 3 groups find an effect of 20 % with a power of 0.8`,
      'the 30 users to be expected, about 10 in a group, are too few to say',
    ]);
    expect(adviseOnSampleSize({ ...config, peeking: { effect: 20 } })[0]).toMatch(
      /^\d+ users in each of 2 groups find an effect of 20 % with a power of 0\.8 by then, however often one looks$/,
    );
    expect(adviseOnSampleSize({ ...config, plan: undefined })).toEqual([]);
  });

  it('finds the effect as often as it says', () => {
    const users = usersPerGroup({ mean: 1, deviation: 0.5, effect: 25 });
    const key = createKey(11, 'sample');
    let found = 0;
    for (let trial = 0; trial < 1000; trial++) {
      const random = createGenerator(foldIn(key, trial));
      const draw = (mean: number) =>
        describeSample(Float64Array.from({ length: users }, () => mean + 0.5 * random.normal()));
      if (welchTest(draw(1.25), draw(1)).pValue < 0.05) found++;
    }
    expect(Math.abs(found / 1000 - 0.8)).toBeLessThan(0.04); // three standard errors
  });
});

describe('confidenceSequence', () => {
  /** How often of `trials` experiments a look at every tenth user of each group, from the twentieth, finds something. */
  function peek(effect: number, trials: number) {
    const key = createKey(5, 'sample');
    const found = { naive: 0, sequence: 0 };
    for (let trial = 0; trial < trials; trial++) {
      const random = createGenerator(foldIn(key, trial));
      const groups = [1, 1 + effect].map((mean) => ({ mean, n: 0, average: 0, squares: 0 }));
      let [naive, sequence] = [false, false];
      for (let user = 1; user <= 1000 && !(naive && sequence); user++) {
        for (const group of groups) {
          const value = group.mean + random.normal();
          group.n++;
          const away = value - group.average;
          group.average += away / group.n;
          group.squares += away * (value - group.average);
        }
        if (user < 20 || user % 10 > 0) continue;
        const [control, treatment] = groups.map(
          ({ n, average, squares }): SampleSummary => ({ n, mean: average, variance: squares / (n - 1) }),
        );
        naive ||= welchTest(treatment, control).pValue < 0.05;
        const { difference } = confidenceSequence(treatment, control, { effect: 15 });
        sequence ||= difference.low > 0 || difference.high < 0;
      }
      if (naive) found.naive++;
      if (sequence) found.sequence++;
    }
    return { naive: found.naive / trials, sequence: found.sequence / trials };
  }

  it('keeps false positives below alpha however often one looks, where naive looks do not', () => {
    const found = peek(0, 1000);
    expect(found.sequence).toBeLessThanOrEqual(0.05);
    expect(found.naive).toBeGreaterThan(0.2);
  });

  it('finds what is there', () => {
    expect(peek(0.3, 200).sequence).toBeGreaterThan(0.95);
  });

  it('is the interval of its formula, and excludes 0 when the p-value is below alpha', () => {
    const [treatment, control] = [
      { n: 100, mean: 11, variance: 9 },
      { n: 100, mean: 10, variance: 4 },
    ];
    const { difference, percent, pValue } = confidenceSequence(treatment, control, { effect: 10 });
    // V = .13, tau² = 1: sqrt(.13 * 1.13 * ln(1.13 / (.13 * .0025)))
    expect(difference.high - 1).toBeCloseTo(Math.sqrt(0.13 * 1.13 * Math.log(1.13 / (0.13 * 0.0025))), 9);
    expect(percent.mean).toBeCloseTo(10, 9);
    expect(percent.low).toBeCloseTo(10 * difference.low, 9);
    // sqrt(1.13 / .13) exp(-1 / (2 * .13 * 1.13))
    expect(pValue).toBeCloseTo(Math.sqrt(1.13 / 0.13) * Math.exp(-1 / (2 * 0.13 * 1.13)), 9);
    for (const mean of [10.5, 11, 11.15, 11.2, 11.3, 11.5, 12]) {
      const test = confidenceSequence({ ...treatment, mean }, control, { effect: 10 });
      expect(test.difference.low > 0).toBe(test.pValue < 0.05);
    }
    expect(() => confidenceSequence(treatment, control, { effect: 0 })).toThrow('must be above 0 percent, got 0');
  });

  it('is what an experiment is judged by on request', () => {
    const users = usersOf([valuesOf(100, 10, 4), valuesOf(100, 11, 9)]);
    const options = { metrics: ['mean_time_per_session'] as const, peeking: { effect: 10 } };
    const analysis = analyseUsers(users, 'AA', options);
    expect(analysis.effects[0].isSignificant).toBe(false); // Welch alone found it
    expect(formatExperiment(analysis)).toContain('they hold however often one looks');
  });
});
