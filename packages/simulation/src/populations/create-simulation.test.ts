import type { Recommender } from '@codebeam/eval';
import { createGenerator, createKey } from '@codebeam/random';
import { describe, expect, it } from 'vitest';
import { askRecommender } from './ask-recommender.js';
import { bass } from './bass.js';
import { contentFiltering } from './content-filtering.js';
import { createSimulation, type RunOptions, type SimulationOptions } from './create-simulation.js';
import { diffusionTree, structuralVirality, structuralViralityMeasurement } from './diffusion-tree.js';
import { averageFeatureScoreRange } from './feature-score-range.js';
import { implicitMf } from './implicit-mf.js';
import {
  interactionHistogram,
  interactionSimilarity,
  interactionSpread,
  recommendationSimilarity,
} from './measure-interactions.js';
import { meanSquaredError, rootMeanSquaredError } from './measure-scores.js';
import type { Measurement } from './measurement.js';
import { popularity } from './popularity.js';
import { historyOf } from './population.js';
import {
  appendProfiles,
  bernoulliProfiles,
  filledProfiles,
  normalProfiles,
  normOf,
  profileOf,
  profilesOf,
  uniformProfiles,
} from './profiles.js';
import { randomItems } from './random-items.js';
import { pairwise, scorerOf } from './score-functions.js';
import { socialFiltering } from './social-filtering.js';
import { follow, followedBy, socialGraph } from './social-graph.js';
import { stateVariables } from './state-history.js';
import type { Model } from './system.js';

const random = (seed = 1) => createGenerator(createKey(seed, 'init'));
const taste = (users = 30, items = 40, width = 4) => ({
  users: { profiles: normalProfiles(users, width, random(1)) },
  items: bernoulliProfiles(items, width, random(2)),
});

async function simulate(options: Partial<SimulationOptions>, run: RunOptions = { timesteps: 5 }) {
  const simulation = await createSimulation({
    model: popularity,
    numUsers: 30,
    numItems: 40,
    numItemsPerIter: 5,
    ...options,
  });
  await simulation.run(run);
  return simulation;
}

describe('a run', () => {
  it('measures once before any step and once after each', async () => {
    const measurements = () => [
      meanSquaredError({ diagnostics: true }),
      rootMeanSquaredError(),
      interactionHistogram(),
      interactionSpread(),
      interactionSimilarity(),
      recommendationSimilarity(),
      averageFeatureScoreRange(),
    ];
    const simulation = await simulate({ measurements: measurements() }, { timesteps: 7 });
    for (const values of Object.values(simulation.measurements)) expect(values).toHaveLength(8);
    const { mse, rmse, interaction_histogram: histogram, interaction_spread: spread } = simulation.measurements;
    expect([mse[0], histogram[0], spread[0]]).toEqual([0, null, null]);
    expect(rmse[7]).toBeCloseTo(Math.sqrt(mse[7] as number), 12);
    expect((histogram[7] as number[]).reduce((a, b) => a + b)).toBe(30);
    expect(simulation.measurements['mse.n']).toEqual(new Array(8).fill(30));
    await simulation.run({ timesteps: 2 });
    expect(simulation.measurements.mse).toHaveLength(10);
  });

  it('repeats itself for the same seed, and not for another', async () => {
    const history = async (seed: number) => {
      const simulation = await simulate({ ...taste(), model: contentFiltering({ numAttributes: 4 }), seed });
      return simulation.interactions.map((step) => step.join());
    };
    expect(await history(7)).toEqual(await history(7));
    expect(await history(7)).not.toEqual(await history(8));
  });

  it('shows the same to users of one profile as to each of them scored alone', async () => {
    const alone: Model = (context) => {
      const system = popularity(context);
      return {
        ...system,
        scores() {
          const counts = system.items!.values.slice();
          return scorerOf(counts.length, (_user, scores) => scores.set(counts));
        },
      };
    };
    for (const repeatedItems of [true, false]) {
      const together = await simulate({ ...taste() }, { timesteps: 6, repeatedItems });
      const apart = await simulate({ ...taste(), model: alone }, { timesteps: 6, repeatedItems });
      expect(together.shown).toEqual(apart.shown);
      expect(together.interactions).toEqual(apart.interactions);
    }
  });

  it('measures what is added later from then on', async () => {
    const simulation = await simulate({});
    const shownOnce: Measurement = { name: 'steps', measure: ({ step }) => step };
    simulation.addMeasurements(shownOnce);
    await simulation.run({ timesteps: 2 });
    expect(simulation.measurements.steps).toEqual([5, 6, 7]);
    expect(() => simulation.addMeasurements(shownOnce)).toThrow(
      'simulation: measurements must differ in name, got steps twice',
    );
  });

  it('records state as it was', async () => {
    const { predicted_items, actual_user_scores, predicted_user_scores, items_shown } = stateVariables;
    const state = [predicted_items, actual_user_scores, predicted_user_scores, items_shown];
    const { states } = await simulate({ ...taste(), state });
    for (const history of Object.values(states)) expect(history).toHaveLength(6);
    const totals = states.predicted_items.map(({ values }) => values.reduce((a, b) => a + b));
    expect(totals).toEqual([0, 30, 60, 90, 120, 150]);
    expect([states.actual_user_scores[3].rows, states.actual_user_scores[3].width]).toEqual([30, 40]);
    expect(states.predicted_user_scores[5].values.subarray(0, 40)).toEqual(states.predicted_items[5].values);
    expect([states.items_shown[0].rows, states.items_shown[1].rows, states.items_shown[1].width]).toEqual([0, 30, 5]);
  });

  it('keeps scores while it does not train, and shows random items while it starts up', async () => {
    const { predicted_items, predicted_user_scores } = stateVariables;
    const simulation = await createSimulation({
      model: popularity,
      numUsers: 30,
      numItems: 40,
      numItemsPerIter: 5,
      state: [predicted_items, predicted_user_scores],
      creators: { profiles: uniformProfiles(3, 1, random()), creationProbability: 1 },
    });
    await simulation.run({ timesteps: 3, startup: true, trainBetweenSteps: false });
    const { predicted_items: items, predicted_user_scores: scores } = simulation.states;
    expect(items[3].values.reduce((a, b) => a + b)).toBe(90);
    expect(scores[3].values.every((value) => value === 0)).toBe(true);
    expect(scores[3].width).toBe(49);
    simulation.addUsers(filledProfiles(2, 1, 1));
    await simulation.train();
    const row = new Float64Array(49);
    simulation.predictedScores!.write(31, row);
    expect(row).toEqual(simulation.system.items!.values);
  });
});

describe('what is shown', () => {
  it('breaks ties evenly', async () => {
    const { interactions } = await simulate({ numUsers: 4000, numItems: 8, numItemsPerIter: 2 }, { timesteps: 1 });
    const counts = new Array(8).fill(0);
    for (const item of interactions[0]) counts[item]++;
    const chi = counts.reduce((sum, count) => sum + (count - 500) ** 2 / 500, 0);
    expect(chi).toBeLessThan(24.3); // .999 quantile of 7 degrees of freedom
  });

  it('has no item that a user has met, where items are not repeated', async () => {
    const simulation = await createSimulation({ model: popularity, numUsers: 20, numItems: 12, numItemsPerIter: 4 });
    for (let step = 0; step < 8; step++) {
      await simulation.run({ timesteps: 1, repeatedItems: false, randomItemsPerIter: step % 3 });
      for (let user = 0; user < 20; user++) {
        const history = historyOf(simulation, user);
        expect(new Set(history).size).toBe(step + 1);
        const shown = simulation.shown!.items.subarray(user * 4, (user + 1) * 4);
        for (const item of history.subarray(0, step)) expect(shown).not.toContain(item);
      }
    }
    await expect(simulation.run({ timesteps: 2, repeatedItems: false })).rejects.toThrow(
      'simulation: items that a user has not met must be 4 at least to be shown, got 3',
    );
  });

  it('gives random items places of their own, and others the order of their scores', async () => {
    const order: Model = ({ numUsers, numItems }) => ({
      users: filledProfiles(numUsers, 1, 1),
      items: profilesOf(Array.from({ length: numItems }, (_, item) => [-item])),
    });
    const interleave = ({ k }: { k: number }) => Array.from({ length: k }, (_, at) => 30 + at);
    const { shown } = await simulate(
      { model: order, numUsers: 600, interleave },
      { timesteps: 1, randomItemsPerIter: 2 },
    );
    const placesOf30 = [0, 0, 0, 0, 0];
    for (let user = 0; user < 600; user++) {
      const list = [...shown!.items.subarray(user * 5, (user + 1) * 5)];
      expect(list.filter((item) => item < 30)).toEqual([0, 1, 2]);
      expect(list.filter((item) => item >= 30).sort()).toEqual([30, 31]);
      placesOf30[list.indexOf(30)]++;
    }
    const chi = placesOf30.reduce((sum, count) => sum + (count - 120) ** 2 / 120, 0);
    expect(chi).toBeLessThan(18.5); // .999 quantile of 4 degrees of freedom
  });

  it('varies how many items are random', async () => {
    const counts = new Set<number>();
    const interleave = ({ k }: { k: number }) => {
      counts.add(k);
      return new Array(k).fill(0);
    };
    await simulate({ interleave }, { timesteps: 30, randomItemsPerIter: 3, varyRandomItemsPerIter: true });
    expect([...counts].sort()).toEqual([1, 2, 3]); // and 0, in which case nobody is asked
  });

  it('is the same places of all rankings in probabilistic recommendations', async () => {
    const order: Model = ({ numUsers, numItems }) => ({
      users: profilesOf(Array.from({ length: numUsers }, (_, user) => [user % 2 ? 1 : -1])),
      items: profilesOf(Array.from({ length: numItems }, (_, item) => [item])),
    });
    const { shown } = await simulate({ model: order, probabilisticRecommendations: true }, { timesteps: 1 });
    const [first, second] = [shown!.items.subarray(0, 5), shown!.items.subarray(5, 10)];
    expect(new Set(first).size).toBe(5);
    expect([...second]).toEqual(Array.from(first, (item) => 39 - item));
    expect([...first]).not.toEqual([0, 1, 2, 3, 4]);
  });

  it('is everything there is, new items included, when all are asked for', async () => {
    const creators = { profiles: uniformProfiles(2, 1, random()), creationProbability: 1 };
    const { shown } = await simulate({ numItemsPerIter: 'all', creators }, { timesteps: 3 });
    expect(shown!.k).toBe(46);
    expect([...shown!.items.subarray(0, 46)].sort((a, b) => a - b)).toEqual([...Array(46).keys()]);
  });
});

describe('users', () => {
  it('choose what they like best of what they are shown', async () => {
    const { shown, interactions, actualScores } = await simulate({ ...taste() }, { timesteps: 1 });
    const scores = new Float64Array(40);
    for (let user = 0; user < 30; user++) {
      actualScores.write(user, scores);
      const list = [...shown!.items.subarray(user * 5, (user + 1) * 5)];
      expect(scores[interactions[0][user]]).toBeCloseTo(Math.max(...list.map((item) => scores[item])), 12);
    }
  });

  it('drift towards what they choose, and keep their length', async () => {
    const { users, items } = taste();
    // Not away from it: a profile opposite to an item turns nowhere.
    for (const { values } of [users.profiles, items]) values.set(values.map((value) => Math.abs(value) + 0.01));
    const before = users.profiles;
    const simulation = await simulate({ users: { profiles: before, drift: 0.2 }, items }, { timesteps: 1 });
    const cosine = (a: Float64Array, b: Float64Array) =>
      a.reduce((sum, value, at) => sum + value * b[at], 0) / (normOf(a) * normOf(b));
    for (let user = 0; user < 30; user++) {
      const [old, now] = [profileOf(before, user), profileOf(simulation.users, user)];
      const item = profileOf(items, simulation.interactions[0][user]);
      expect(normOf(now)).toBeCloseTo(normOf(old), 9);
      expect(Math.acos(cosine(now, item))).toBeCloseTo(0.8 * Math.acos(cosine(old, item)), 6);
    }
  });

  it('do not choose what they have met where they do not repeat themselves', async () => {
    const users = { ...taste().users, repeatInteractions: false };
    const simulation = await simulate({ ...taste(), users, numItemsPerIter: 'all' }, { timesteps: 6 });
    for (let user = 0; user < 30; user++) expect(new Set(historyOf(simulation, user)).size).toBe(6);
  });

  it('may choose as one likes', async () => {
    const users = { choose: ({ shown }: { shown: Int32Array }) => shown.length - 1 };
    const { shown, interactions } = await simulate({ users }, { timesteps: 1 });
    expect([...interactions[0]]).toEqual(Array.from({ length: 30 }, (_, user) => shown!.items[user * 5 + 4]));
  });

  it('join between runs', async () => {
    for (const model of [popularity, randomItems, contentFiltering({ numAttributes: 4 })]) {
      const simulation = await simulate({
        ...taste(),
        model,
        measurements: [meanSquaredError(), interactionSimilarity()],
      });
      simulation.addUsers(normalProfiles(7, 4, random(5)));
      await simulation.run({ timesteps: 3, repeatedItems: false });
      expect(simulation.numUsers).toBe(37);
      expect(simulation.interactions.map(({ length }) => length)).toEqual([30, 30, 30, 30, 30, 37, 37, 37]);
      expect(historyOf(simulation, 36)).toHaveLength(3);
      expect(simulation.measurements.mse).toHaveLength(9);
    }
    const simulation = await simulate({ ...taste() });
    expect(() => simulation.addUsers(normalProfiles(1, 3, random()))).toThrow(
      'simulation: new users must have 4 attributes like those there are, got 3',
    );
  });
});

describe('creators', () => {
  it('make items that all matrices grow by', async () => {
    const items = bernoulliProfiles(40, 4, random(2));
    const creators = { profiles: uniformProfiles(5, 4, random(3)), creationProbability: 1 };
    for (const model of [popularity, randomItems, socialFiltering(), contentFiltering({ items })]) {
      const simulation = await simulate({ ...taste(), items, model, creators }, { timesteps: 4, repeatedItems: false });
      expect([simulation.numItems, simulation.items.rows]).toEqual([60, 60]);
      if (simulation.system.items) expect(simulation.system.items.rows).toBe(60);
      expect(simulation.interactions.flatMap((step) => [...step]).some((item) => item >= 40)).toBe(true);
      await simulation.run({ timesteps: 2, noNewItems: true });
      expect(simulation.numItems).toBe(60);
    }
  });

  it('may learn', async () => {
    const creators = {
      profiles: filledProfiles(2, 4, 0.5),
      update: (profiles: { values: Float64Array }) => void profiles.values.fill(1),
    };
    const simulation = await simulate(
      { ...taste(), creators, state: [stateVariables.actual_creator_profiles] },
      { timesteps: 1 },
    );
    expect(simulation.states.actual_creator_profiles.map(({ values }) => values[0])).toEqual([0.5, 1]);
  });
});

describe('popularity', () => {
  it('makes everybody meet the same: each step shows one list but for ties', async () => {
    const measurements = () => [recommendationSimilarity(), interactionSimilarity()];
    const run = { timesteps: 30, repeatedItems: false };
    const popular = await simulate(
      { ...taste(60, 200), numUsers: 60, numItems: 200, measurements: measurements() },
      run,
    );
    const chance = await simulate(
      { ...taste(60, 200), numUsers: 60, numItems: 200, model: randomItems, measurements: measurements() },
      run,
    );
    const last = (values: readonly unknown[]) => values.at(-1) as number;
    expect(last(popular.measurements.interaction_similarity)).toBeGreaterThan(0.6);
    expect(last(chance.measurements.interaction_similarity)).toBeLessThan(0.3);
  });
});

describe('contentFiltering', () => {
  it('finds what users like', async () => {
    const { users, items } = taste(40, 120, 6);
    for (let at = 0; at < users.profiles.values.length; at++)
      users.profiles.values[at] = Math.abs(users.profiles.values[at]);
    const options = { numUsers: 40, numItems: 120, users, items, measurements: [meanSquaredError()] };
    const liked = async (model: Model) => {
      const { interactions, actualScores } = await simulate(
        { ...options, model },
        { timesteps: 20, randomItemsPerIter: 1 },
      );
      const score = new Float64Array(1);
      let sum = 0;
      for (const [user, item] of interactions[19].entries()) {
        actualScores.writeOf(user, [item], score);
        sum += score[0];
      }
      return sum;
    };
    expect(await liked(contentFiltering({ items }))).toBeGreaterThan(1.05 * (await liked(randomItems)));
  });
});

describe('socialFiltering', () => {
  it('scores items by what those whom a user follows have met, over the root of their number', async () => {
    const graph = socialGraph(30, [
      [0, 1],
      [0, 2],
      [3, 0],
    ]);
    const simulation = await simulate({ model: socialFiltering({ graph }) }, { timesteps: 3 });
    const scores = new Float64Array(40);
    simulation.predictedScores!.write(0, scores);
    const expected = new Float64Array(40);
    for (const other of [1, 2]) for (const item of historyOf(simulation, other)) expected[item] += 1 / Math.sqrt(2);
    for (const [item, score] of scores.entries()) expect(score).toBeCloseTo(expected[item], 12);
    simulation.system.graph = follow(simulation.system.graph!, [[5, 0]]);
    await simulation.train();
    simulation.predictedScores!.write(5, scores);
    expect(scores.reduce((a, b) => a + b)).toBe(3);
    const grown = socialGraph(31, [[30, 0]]);
    simulation.addUsers(filledProfiles(1, 1, 1), { graph: grown });
    simulation.predictedScores!.write(30, scores);
    expect(scores.reduce((a, b) => a + b)).toBe(3);
    expect(() => simulation.addUsers(filledProfiles(1, 1, 1), { graph: grown })).toThrow(
      'simulation: graph must have 32 users like the population, got 31',
    );
    await simulation.run({ timesteps: 1 }); // the one who was refused left nothing behind
    expect(simulation.users.rows).toBe(31);
  });

  it('lets users join without learning from what was met since the last training', async () => {
    const graph = socialGraph(30, [[0, 1]]);
    const simulation = await simulate(
      { model: socialFiltering({ graph }) },
      { timesteps: 3, trainBetweenSteps: false },
    );
    simulation.addUsers(filledProfiles(1, 1, 1));
    const scores = new Float64Array(40);
    simulation.predictedScores!.write(0, scores);
    expect(scores.every((score) => score === 0)).toBe(true);
  });

  it('is measured over those to whom something was shown', async () => {
    const simulation = await simulate({ ...taste(), model: contentFiltering({ numAttributes: 4 }) });
    const measured = () => [recommendationSimilarity(), interactionSimilarity(), averageFeatureScoreRange()];
    simulation.addMeasurements(...measured());
    const before = Object.values(simulation.measurements).map(([value]) => value);
    simulation.addUsers(normalProfiles(5, 4, random(3)));
    const renamed = measured().map((measurement) => ({ ...measurement, name: `${measurement.name} again` }));
    simulation.addMeasurements(...renamed);
    const after = renamed.map(({ name }) => simulation.measurements[name][0]);
    expect(after).toEqual(before.map((value) => expect.closeTo(value as number, 12)));
  });
});

describe('bass', () => {
  it('spreads by a tree whose nodes are those infected', async () => {
    const tree = diffusionTree();
    const simulation = await createSimulation({
      model: bass({ probability: 0.08 }),
      numUsers: 120,
      numItems: 1,
      numItemsPerIter: 1,
      measurements: [tree, structuralViralityMeasurement(), structuralViralityMeasurementNamed('again')],
      seed: 3,
    });
    await simulation.run({ timesteps: 'until-completion' });
    const { infectionState, graph } = simulation.system;
    const infected = [...infectionState!.keys()].filter((user) => infectionState![user] !== 0);
    expect(infected.length).toBeGreaterThan(60);
    expect(infectionState!.includes(1)).toBe(false);
    expect([...tree.tree.users].sort((a, b) => a - b)).toEqual(infected);
    expect(simulation.measurements.num_infected.at(-1)).toBe(infected.length);
    for (const [node, parent] of tree.tree.parents.entries()) {
      expect(parent).toBeLessThan(node); // acyclic
      if (parent >= 0) expect(followedBy(graph!, tree.tree.users[node])).toContain(tree.tree.users[parent]);
    }
    expect(tree.tree.parents.filter((parent) => parent < 0)).toHaveLength(1);
    expect(simulation.measurements.structural_virality.at(-1)).toBeCloseTo(structuralVirality(tree.tree.parents), 12);
    expect(simulation.measurements.again).toEqual(simulation.measurements.structural_virality);
    expect(simulation.measurements.structural_virality[0]).toBeNull();
    simulation.addMeasurements({ ...diffusionTree(), name: 'looked at last' });
    expect(simulation.measurements['looked at last'].at(-1)).toBe(infected.length); // those who have recovered too
  });

  it('infects a neighbour of two with .51 where each does with .3, and recovers after a step', async () => {
    const numUsers = 9000;
    const edges = Array.from({ length: numUsers - 2 }, (_, i) => [[i + 2, 0] as const, [i + 2, 1] as const]).flat();
    const simulation = await createSimulation({
      model: bass({ graph: socialGraph(numUsers, edges), probability: 0.3, infected: [0, 1] }),
      numUsers,
      numItems: 1,
      numItemsPerIter: 1,
      measurements: [diffusionTree()],
    });
    await simulation.run({ timesteps: 1 });
    const [before, after] = simulation.measurements.num_infected as number[];
    expect(before).toBe(2);
    const n = numUsers - 2;
    expect(Math.abs((after - 2) / n - 0.51)).toBeLessThan(5 * Math.sqrt((0.51 * 0.49) / n));
    expect([...simulation.system.infectionState!.subarray(0, 2)]).toEqual([-1, -1]);
    simulation.addUsers(filledProfiles(1, 1));
    await simulation.run({ timesteps: 'until-completion' });
    expect(simulation.system.infectionState!).toHaveLength(numUsers + 1);
  });

  it('refuses several items, and until-completion is for what completes', async () => {
    await expect(simulate({ model: bass() })).rejects.toThrow('simulation: Bass diffusion must have one item, got 40');
    await expect(simulate({}, { timesteps: 'until-completion' })).rejects.toThrow(
      'simulation: timesteps must be a number for a system that never completes',
    );
  });
});

describe('implicitMf', () => {
  it('trains on the interactions of the last run, keeps the rest, and gives new items the mean', async () => {
    const asked: number[] = [];
    const factorize = (counts: { rows: number; columns: number; values: Float64Array }, factors: number) => {
      asked.push(counts.values.reduce((a, b) => a + b));
      const items = Float64Array.from({ length: counts.columns * factors }, (_, at) => Math.floor(at / factors));
      return { users: new Float64Array(counts.rows * factors).fill(2), items };
    };
    const creators = { profiles: uniformProfiles(1, 3, random()), creationProbability: 1 };
    const simulation = await createSimulation({
      model: implicitMf({ factorize, factors: 3 }),
      numUsers: 30,
      numItems: 40,
      numItemsPerIter: 5,
      creators,
    });
    const before = simulation.system.items!.values.slice();
    await simulation.startupAndTrain(2, { noNewItems: true });
    expect(asked).toEqual([60]);
    const met = new Set(simulation.interactions.flatMap((step) => [...step]));
    for (let item = 0; item < 40; item++) {
      const own = profileOf(simulation.system.items!, item);
      expect([...own]).toEqual(met.has(item) ? [item, item, item] : [...before.subarray(item * 3, item * 3 + 3)]);
    }
    await simulation.run({ timesteps: 1 });
    expect(asked).toEqual([60]);
    const mean = [...met].reduce((sum, item) => sum + item, 0) / met.size;
    expect(profileOf(simulation.system.items!, 40)[0]).toBeCloseTo(mean, 9);
    await simulation.train();
    expect(asked).toEqual([60, 30]); // each run begins anew
    simulation.addUsers(normalProfiles(2, 3, random()));
    expect(simulation.system.users!.rows).toBe(32);
  });
});

describe('askRecommender', () => {
  /** Lists what follows the last item of a history. */
  const next: Recommender = {
    name: 'next',
    async recommend(histories, k, { maskHistory }) {
      const items = new Int32Array(histories.length * k).fill(-1);
      for (const [row, history] of histories.entries()) {
        const after = Array.from({ length: 38 }, (_, i) => ((history.at(-1) ?? -1) + 1 + i) % 38);
        const left = maskHistory ? after.filter((item) => !history.includes(item)) : after;
        items.set(left.slice(0, k), row * k);
      }
      return { k, items, scores: new Float32Array(items.length) };
    },
  };

  it('puts any recommender before the population, in batches that change nothing', async () => {
    const runs = [1, 7, 1024].map((batchSize) =>
      simulate({ model: askRecommender({ recommender: next, batchSize }), measurements: [meanSquaredError()] }),
    );
    for (const simulation of await Promise.all(runs)) {
      expect(simulation.interactions.map((step) => [...step])).toEqual(
        [0, 1, 2, 3, 4].map((item) => new Array(30).fill(item)),
      );
      expect(simulation.measurements.mse.every((value) => value === null)).toBe(true);
    }
  });

  it('fills what a list lacks with items not met', async () => {
    const simulation = await simulate(
      { model: askRecommender({ recommender: next }), numItemsPerIter: 40 },
      { timesteps: 1, repeatedItems: false },
    );
    expect([...simulation.shown!.items.subarray(0, 40)].sort((a, b) => a - b)).toEqual([...Array(40).keys()]);
    await expect(
      simulate({ model: askRecommender({ recommender: next }), probabilisticRecommendations: true }),
    ).rejects.toThrow('simulation: probabilistic recommendations must come of scores');
  });

  it('is not told of items that it does not know', async () => {
    const told: number[] = [];
    const knowsTwenty: Recommender = {
      ...next,
      recommend(histories, k, options) {
        told.push(...histories.flatMap((history) => [...history]));
        return next.recommend(histories, k, options);
      },
    };
    const model = askRecommender({ recommender: knowsTwenty, knownItems: 20 });
    const simulation = await simulate({ model }, { timesteps: 4, startup: true });
    await simulation.run({ timesteps: 1 });
    expect(simulation.interactions.flatMap((step) => [...step]).some((item) => item >= 20)).toBe(true);
    expect(Math.max(...told)).toBeLessThan(20);
    await expect(simulate({ model: askRecommender({ recommender: next, knownItems: 50 }) })).rejects.toThrow(
      'simulation: numItems must be 50 at least, the items that next knows, got 40; raise it',
    );
  });

  it('is fitted to what users met, random before', async () => {
    const fittedTo: number[] = [];
    const fit = (histories: readonly Int32Array[]) => {
      fittedTo.push(histories.reduce((sum, { length }) => sum + length, 0));
      return next;
    };
    const simulation = await simulate({ model: askRecommender({ fit }) }, { timesteps: 3 });
    expect(fittedTo).toEqual([30, 60, 90]);
    expect(new Set(simulation.interactions[0]).size).toBeGreaterThan(5);
    expect([...simulation.interactions[2]]).toEqual(Array.from(simulation.interactions[1], (item) => (item + 1) % 38));
    expect(() => askRecommender({})).toThrow('simulation: a recommender must be given, or how one is fitted');
  });
});

describe('a model of one function', () => {
  it('may score as it likes', async () => {
    const longest: Model = ({ numUsers, numItems }) => ({
      users: filledProfiles(numUsers, 1, 1),
      items: profilesOf(Array.from({ length: numItems }, (_, item) => [item])),
      scoreFn: pairwise((_user, item) => -Math.abs(item[0] - 17)),
    });
    const { shown } = await simulate({ model: longest, numItemsPerIter: 1 }, { timesteps: 1 });
    expect(shown!.items.every((item) => item === 17)).toBe(true);
  });

  it('is told what it lacks', async () => {
    await expect(simulate({ model: () => ({}) })).rejects.toThrow(
      'simulation: model must give users and items, scores, or recommend',
    );
    const model: Model = ({ numUsers, numItems }) => ({
      users: filledProfiles(numUsers, 1),
      items: filledProfiles(numItems, 1),
    });
    const creators = { profiles: filledProfiles(1, 1, 1), creationProbability: 1 };
    await expect(simulate({ model, creators })).rejects.toThrow('simulation: model must have addItems for creators');
    const small: Model = ({ numUsers }) => ({ users: filledProfiles(numUsers, 1), items: filledProfiles(3, 1) });
    await expect(simulate({ model: small })).rejects.toThrow(
      'simulation: model must give 30 users and 40 items, got 30 and 3',
    );
    await expect(simulate({ numItemsPerIter: 41 })).rejects.toThrow(
      'simulation: items per step must be from 1 to the number of items, 40, got 41',
    );
    await expect(simulate({}, { randomItemsPerIter: 6 })).rejects.toThrow(
      'simulation: random items per step must be from 0 to the items per step, 5, got 6',
    );
    const grown = filledProfiles(1, 1);
    appendProfiles(grown, filledProfiles(1, 1), 'items');
    expect(grown.rows).toBe(2);
  });
});

describe("T-RECS' own example", () => {
  it('is over in no time: 1,500 users, 1,250 items, 10 steps', async () => {
    const simulate = async () => {
      const before = process.cpuUsage();
      const simulation = await createSimulation({ model: popularity, numUsers: 1500 });
      await simulation.run({ timesteps: 10 });
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1e6;
    };
    await simulate(); // compiles
    // The bar is .3 s and some .05 s are used; a busy machine may take several times as long.
    expect(Math.min(await simulate(), await simulate())).toBeLessThan(0.9);
  });
});

function structuralViralityMeasurementNamed(name: string): Measurement {
  return { ...structuralViralityMeasurement(), name };
}
