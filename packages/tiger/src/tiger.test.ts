import { getPrecision, type Precision, selectBackend, tf } from '@codebeam/backend';
import { countParams, disposeParams, flattenParams, mapParams } from '@codebeam/nn';
import { createKey } from '@codebeam/random';
import { appendSemanticIds, assignSemanticIds } from '@codebeam/rqvae';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends } from '../../backend/fixtures/backends.js';
import {
  continuationMask,
  createPrefixTrie,
  createTigerModel,
  createTigerRecommender,
  createVocabulary,
  forward,
  informativePositions,
  initTiger,
  sampleItems,
  type TigerModel,
  tigerLoss,
  tigerSchema,
  tokenizeHistories,
  tokenizeItems,
  userToken,
} from './index.js';

const config = tigerSchema.parse({
  modelWidth: 16,
  encoderLayers: 2,
  decoderLayers: 2,
  heads: 2,
  headWidth: 8,
  feedForwardWidth: 32,
  maxHistory: 4,
});
// 30 items, 3 x 3 codes, so that most IDs need a collision code.
const ids = assignSemanticIds(
  Int32Array.from({ length: 60 }, (_, i) => (i * 7 + Math.floor(i / 2)) % 3),
  2,
  3,
);
const histories = [[1, 2, 3], [4], [5, 6, 7, 8, 9, 10], [11, 12, 13]].map((items) => Int32Array.from(items));

const constrained = { ...config, constrainedSoftmax: true };

function createModel(own = config): TigerModel {
  return createTigerModel(own, ids, initTiger(own, createVocabulary(ids, own), 1));
}

describe('the vocabulary', () => {
  it('gives each position its own tokens, then the separator, then the users', () => {
    const vocabulary = createVocabulary(
      { sizes: [3, 3, 5], numItems: 4 },
      { ...config, separator: true, userTokens: 10 },
    );
    expect(vocabulary).toEqual({
      offsets: [1, 4, 7],
      sizes: [3, 3, 5],
      separator: 12,
      userOffset: 13,
      userTokens: 10,
      size: 23,
      itemVectors: 0,
    });
  });

  it('keeps the last items of a history, oldest first, one history after another', () => {
    const small = assignSemanticIds(Int32Array.from([0, 1, 2, 2]), 1, 3);
    const vocabulary = createVocabulary(small, { ...config, separator: true });
    const rows = tokenizeHistories(
      vocabulary,
      small,
      [[0, 1, 3], [], [2]].map((items) => Int32Array.from(items)),
      { ...config, maxHistory: 2 },
    );
    expect(Array.from(rows.offsets)).toEqual([0, 6, 7, 10]);
    expect(Array.from(rows.tokens)).toEqual([2, 4, 6, 3, 5, 6, 0, 3, 4, 6]);
    expect(Array.from(tokenizeItems(vocabulary, small, Int32Array.from([3, 0])))).toEqual([3, 5, 1, 4]);
  });

  it('gives an encoder of items each item with its codes, one without any where there is no history', () => {
    const small = assignSemanticIds(Int32Array.from([0, 1, 2, 2]), 1, 3);
    const ofItems = { ...config, encoderReads: 'items' as const, maxHistory: 2 };
    const vocabulary = createVocabulary(small, ofItems);
    expect(vocabulary.itemVectors).toBe(4);
    const rows = tokenizeHistories(
      vocabulary,
      small,
      [[0, 1, 3], [], [2]].map((items) => Int32Array.from(items)),
      ofItems,
    );
    expect(Array.from(rows.offsets)).toEqual([0, 2, 3, 4]);
    expect(Array.from(rows.items!)).toEqual([1, 3, -1, 2]);
    expect(Array.from(rows.tokens)).toEqual([2, 4, 3, 5, 0, 0, 3, 4]);
    expect(() => createVocabulary(small, { ...ofItems, userTokens: 5 })).toThrow(
      'tiger: separator and userTokens must be off where encoderReads is items, got false and 5',
    );
  });

  it('hashes a user to the same token in every process', () => {
    const vocabulary = createVocabulary({ sizes: [1], numItems: 1 }, { ...config, userTokens: 2000 });
    expect(userToken(vocabulary, 'A1YJEY40YUW4SE')).toBe(vocabulary.userOffset + 539); // sha256's first 4 bytes, little endian, mod 2000
    expect(() => tokenizeHistories(vocabulary, ids, histories, config)).toThrow('tiger: users must be given');
  });
});

describe('informativePositions', () => {
  // Four items, no two of which share both codes.
  const unique = assignSemanticIds(Int32Array.from([2, 0, 2, 1, 0, 1, 1, 2]), 2, 3);
  const compact = informativePositions(unique);

  it('drops the collision code of a catalogue without collisions', () => {
    expect(unique.sizes).toEqual([3, 3, 1]);
    expect(compact).toEqual({
      levels: 1,
      sizes: [3, 3],
      codes: Int32Array.from([2, 0, 2, 1, 0, 1, 1, 2]),
      numItems: 4,
    });
    expect(informativePositions({ levels: 2, sizes: [2, 1, 3], codes: Int32Array.of(1, 0, 2), numItems: 1 })).toEqual({
      levels: 1,
      sizes: [2, 3],
      codes: Int32Array.of(1, 2),
      numItems: 1,
    });
  });

  it('keeps IDs that have nothing to drop, and one position of a catalogue of one item', () => {
    expect(informativePositions(compact)).toBe(compact);
    expect(informativePositions(ids)).toBe(ids);
    const alone = assignSemanticIds(Int32Array.of(0, 0), 2, 1);
    expect(informativePositions(alone)).toEqual({ levels: 0, sizes: [1], codes: Int32Array.of(0), numItems: 1 });
  });

  it('leaves TIGER two tokens for an item of two codes, and the items right', async () => {
    await selectBackend('cpu');
    const vocabulary = createVocabulary(compact, config);
    const model = createTigerModel(config, unique, initTiger(config, vocabulary, 1));
    expect(model.vocabulary).toEqual(vocabulary);
    expect(vocabulary.size).toBe(1 + 6);
    expect(model.trie.depth).toBe(2);
    const history = Int32Array.of(3, 0);
    const rows = tokenizeHistories(vocabulary, model.ids, [history], config);
    expect(Array.from(rows.tokens)).toEqual([1 + 1, 4 + 2, 1 + 2, 4 + 0]);

    const { items, scores } = await createTigerRecommender(model, { beamWidth: 4 }).recommend([history], 4, {
      maskHistory: false,
    });
    expect(Array.from(items).sort()).toEqual([0, 1, 2, 3]);
    for (const [place, item] of items.entries()) {
      const tokens = [0, 1].map((p) => [1, 4][p] + unique.codes[3 * item + p]);
      const targets = Int32Array.from(tokens);
      const logProbabilities = await tf.logSoftmax(forward(model.params, rows, targets, config)).array();
      const expected = tokens.reduce((sum, token, p) => sum + (logProbabilities as number[][])[p][token], 0);
      expect(scores[place]).toBeCloseTo(expected, 4);
    }
  });
});

describe('continuationMask', () => {
  it("leaves the codes that continue an ID after the target's own", () => {
    // 0: <0,1>, 1: <0,2>, 2: <2,0>
    const small = informativePositions(assignSemanticIds(Int32Array.from([0, 1, 0, 2, 2, 0]), 2, 3));
    const vocabulary = createVocabulary(small, { ...config, separator: true });
    const mask = continuationMask(vocabulary, createPrefixTrie(small), Int32Array.of(1, 2));
    const [no, first, second] = [[-1e9], [0, -1e9, 0], [-1e9, -1e9, -1e9]]; // padding, level 0, no level
    expect(Array.from(mask)).toEqual(
      [
        [...no, ...first, ...second, ...no],
        [...no, ...second, -1e9, 0, 0, ...no],
        [...no, ...first, ...second, ...no],
        [...no, ...second, 0, -1e9, -1e9, ...no],
      ].flat(),
    );
  });
});

describe('initTiger', () => {
  it("has 4.85 M parameters at the paper's size", () => {
    const paper = tigerSchema.parse({ userTokens: 2000 });
    const vocabulary = createVocabulary({ sizes: [256, 256, 256, 256], numItems: 12_101 }, paper);
    const params = initTiger(paper, vocabulary, 1);
    const attention = 4 * 128 * 6 * 64;
    const feedForward = 2 * 128 * 1024;
    const blocks = 4 * (attention + feedForward + 2 * 128) + 4 * (2 * attention + feedForward + 3 * 128);
    expect(countParams(params)).toBe(blocks + 2 * (32 * 6 + 128) + 128 * (1 + 4 * 256 + 2000));
    expect(countParams(params)).toBe(4_846_848);
    disposeParams(params);
  });
});

describe.each(backends)('TIGER on %s', (backend) => {
  beforeAll(async () => {
    await selectBackend(backend);
  });

  const batch = (model: TigerModel, chosen = histories) => ({
    rows: tokenizeHistories(model.vocabulary, ids, chosen, config),
    targets: tokenizeItems(
      model.vocabulary,
      ids,
      Int32Array.from(chosen, (_, i) => i),
    ),
  });

  // The targets of a batch are the items 0, 1, 2 ...
  const maskOf = ({ vocabulary, trie }: TigerModel) =>
    continuationMask(
      vocabulary,
      trie,
      Int32Array.from(histories, (_, i) => i),
    );

  it('starts at the loss of a uniform guess or a little above', async () => {
    const model = createModel();
    const { rows, targets } = batch(model);
    const loss = (await tigerLoss(model.params, rows, targets, config).data())[0];
    expect(loss).toBeGreaterThan(0.5 * Math.log(model.vocabulary.size));
    expect(loss).toBeLessThan(2 * Math.log(model.vocabulary.size));
  });

  it('does not let other histories or later target positions change a prediction', async () => {
    const model = createModel();
    const alone = batch(model, [histories[1]]);
    const together = batch(model, [histories[1], histories[2]]);
    const short = await forward(model.params, alone.rows, alone.targets, config).data();
    const padded = await forward(model.params, together.rows, together.targets, config).data();
    for (const [i, value] of short.entries()) expect(padded[i]).toBeCloseTo(value, 4);
    const changed = alone.targets.slice();
    changed[changed.length - 1] = 1;
    const other = await forward(model.params, alone.rows, changed, config).data();
    expect(other).toEqual(short);
  });

  it("has minus the mean log-probability of the targets' codes as loss under a constrained softmax", async () => {
    const model = createModel(constrained);
    const { rows, targets } = batch(model);
    const { items, scores } = await createTigerRecommender(model, { beamWidth: ids.numItems }).recommend(
      histories,
      ids.numItems,
      { maskHistory: false },
    );
    let logProbability = 0;
    for (const user of histories.keys()) {
      const own = scores.subarray(user * ids.numItems, (user + 1) * ids.numItems);
      expect(own.reduce((sum, score) => sum + Math.exp(score), 0)).toBeCloseTo(1, 4);
      logProbability += own[items.subarray(user * ids.numItems, (user + 1) * ids.numItems).indexOf(user)];
    }
    const loss = tigerLoss(model.params, rows, targets, constrained, undefined, maskOf(model));
    expect((await loss.data())[0]).toBeCloseTo(-logProbability / targets.length, 4);
  });

  it('takes a mask exactly when the softmax is constrained', () => {
    const model = createModel();
    const { rows, targets } = batch(model);
    expect(() => tigerLoss(model.params, rows, targets, constrained)).toThrow('tiger: mask must be given exactly when');
    expect(() => tigerLoss(model.params, rows, targets, config, undefined, maskOf(model))).toThrow(
      'got one with false',
    );
  });

  it.each([false, true])('has the gradient that finite differences give, constrained: %s', async (isConstrained) => {
    const own = isConstrained ? constrained : config;
    const model = createModel(own);
    const { rows, targets } = batch(model);
    const names = Object.keys(flattenParams(model.params));
    const loss = (...tensors: tf.Tensor[]) => {
      const byName = Object.fromEntries(names.map((name, i) => [name, tensors[i]]));
      return tigerLoss(
        mapParams(model.params, (_, name) => byName[name]),
        rows,
        targets,
        own,
        undefined,
        isConstrained ? maskOf(model) : undefined,
      );
    };
    const tensors = Object.values(flattenParams(model.params));
    const gradients = tf.grads(loss)(tensors);
    // Along the gradient itself the loss must change by its squared norm: one check that covers every parameter.
    const norm = Math.sqrt(
      (await Promise.all(gradients.map(async (g) => (await tf.sum(tf.square(g)).data())[0]))).reduce(
        (a, b) => a + b,
        0,
      ),
    );
    const step = 0.02 / norm;
    const moved = async (sign: number) =>
      (await loss(...tensors.map((tensor, i) => tf.add(tensor, tf.mul(gradients[i], sign * step)))).data())[0];
    const slope = ((await moved(1)) - (await moved(-1))) / (2 * step * norm);
    expect(slope / norm).toBeGreaterThan(0.98);
    expect(slope / norm).toBeLessThan(1.02);
  });

  it('generates step by step what it scores at once', async () => {
    const model = createModel();
    const recommender = createTigerRecommender(model, { beamWidth: ids.numItems });
    const { items, scores } = await recommender.recommend(histories, ids.numItems, { maskHistory: false });
    for (const [user, history] of histories.entries()) {
      const list = items.subarray(user * ids.numItems, (user + 1) * ids.numItems);
      expect(Array.from(list).sort((a, b) => a - b)).toEqual(Array.from({ length: ids.numItems }, (_, i) => i));
      // Every item by teacher forcing, in one batch.
      const rows = tokenizeHistories(model.vocabulary, ids, Array(ids.numItems).fill(history), config);
      const targets = tokenizeItems(model.vocabulary, ids, list.slice());
      const exhaustive = tf.tidy(() => {
        const logProbabilities = tf.logSoftmax(forward(model.params, rows, targets, config));
        const chosen = tf.mul(logProbabilities, tf.oneHot(tf.tensor1d(targets, 'int32'), model.vocabulary.size));
        return tf.sum(tf.reshape(tf.sum(chosen, 1), [ids.numItems, 3]), 1);
      });
      const expected = await exhaustive.data();
      for (const [place, score] of expected.entries()) {
        expect(scores[user * ids.numItems + place]).toBeCloseTo(score, 4);
        if (place > 0) expect(score).toBeLessThanOrEqual(expected[place - 1] + 1e-5);
      }
    }
  });

  describe('with an encoder that reads items', () => {
    const ofItems = { ...constrained, encoderReads: 'items' as const };

    it('says after each item of a history what beam search finds after the items so far', async () => {
      const model = createModel(ofItems);
      const { vocabulary, trie, params } = model;
      const recommender = createTigerRecommender(model, { beamWidth: ids.numItems });
      const sequence = Int32Array.of(5, 17, 8, 5);
      const followers = Int32Array.of(2, 29, 11, 0);
      const prefixes = [1, 2, 3, 4].map((end) => sequence.subarray(0, end));
      const { items, scores } = await recommender.recommend(prefixes, ids.numItems, { maskHistory: false });
      const rows = tokenizeHistories(vocabulary, ids, [sequence], ofItems);
      const targets = tokenizeItems(vocabulary, ids, followers);
      const logProbabilities = tf.tidy(() => {
        const mask = tf.tensor2d(continuationMask(vocabulary, trie, followers), [targets.length, vocabulary.size]);
        const all = tf.logSoftmax(tf.add(forward(params, rows, targets, ofItems), mask));
        const chosen = tf.mul(all, tf.oneHot(tf.tensor1d(targets, 'int32'), vocabulary.size));
        return tf.sum(tf.reshape(tf.sum(chosen, 1), [4, 3]), 1);
      });
      for (const [after, logProbability] of (await logProbabilities.data()).entries()) {
        const place = items.subarray(after * ids.numItems, (after + 1) * ids.numItems).indexOf(followers[after]);
        expect(scores[after * ids.numItems + place]).toBeCloseTo(logProbability, 4);
      }
    });

    it.each([ofItems, config, { ...config, separator: true, userTokens: 7 }])(
      'refuses an appended item whose collision code is new, which would move tokens: %#',
      (own) => {
        const few = assignSemanticIds(Int32Array.of(0, 0, 0, 1, 1, 0, 1, 1, 1, 1), 2, 2);
        const params = initTiger(own, createVocabulary(few, own), 1);
        const [collides, fits] = [
          appendSemanticIds(few, Int32Array.of(1, 1)),
          appendSemanticIds(few, Int32Array.of(0, 0)),
        ];
        expect(createTigerModel(own, fits, params).ids.numItems).toBe(6);
        expect(() => createTigerModel(own, collides, params)).toThrow(
          /^tiger: semantic IDs must have the \d+ tokens that the model has learnt, got \d+ with 2 x 2 x 3 codes; leave out/,
        );
      },
    );

    it('reads items that came after training by their codes, and nothing at all', async () => {
      const grown = appendSemanticIds(ids, Int32Array.of(1, 1));
      const { params } = createModel(ofItems);
      expect(params.items!.shape).toEqual([ids.numItems, config.modelWidth]);
      const recommender = createTigerRecommender(createTigerModel(ofItems, grown, params), { beamWidth: 8 });
      const { scores } = await recommender.recommend([Int32Array.of(3, ids.numItems), new Int32Array(0)], 5, {
        maskHistory: true,
      });
      for (const score of scores) expect(score).toBeLessThanOrEqual(0);
    });
  });

  it('makes lists in the precision asked for, and leaves the one that was set', async () => {
    const model = createModel();
    const scoresIn = async (precision: Precision) => {
      const recommender = createTigerRecommender(model, { beamWidth: ids.numItems, precision });
      const { scores } = await recommender.recommend(histories, ids.numItems, { maskHistory: false });
      return scores;
    };
    const exact = await scoresIn('float32');
    const error = (scores: Float32Array) => Math.max(...scores.map((score, i) => Math.abs(score - exact[i])));
    expect(error(await scoresIn('bfloat16x3'))).toBeLessThan(1e-3);
    const rough = error(await scoresIn('bfloat16'));
    expect(rough > 1e-3).toBe(backend === 'native');
    expect(getPrecision()).toBe('float32');
  });

  it('leaves no tensors behind', async () => {
    const model = createModel();
    const recommender = createTigerRecommender(model, { beamWidth: 5 });
    const before = tf.memory().numTensors;
    await recommender.recommend(histories, 5, { maskHistory: true });
    await sampleItems(model, histories, 3, { maskHistory: true, key: createKey(1, 'sample') });
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('sampleItems', () => {
  it('draws the same items for the same key, only unseen ones, and the most probable ones at topK 1', async () => {
    await selectBackend('wasm');
    const model = createModel();
    const options = { maskHistory: true, key: createKey(5, 'sample') };
    const draws = await sampleItems(model, histories, 20, options);
    expect(await sampleItems(model, histories, 20, options)).toEqual(draws);
    expect(new Set(draws.items.subarray(0, 20)).size).toBeGreaterThan(5);
    for (const [user, history] of histories.entries()) {
      for (const item of draws.items.subarray(user * 20, (user + 1) * 20)) {
        expect(item).toBeGreaterThanOrEqual(0);
        expect(history).not.toContain(item);
      }
    }
    const greedy = await sampleItems(model, histories, 2, { ...options, topK: 1 });
    expect(greedy.items[0]).toBe(greedy.items[1]);
    const cold = await sampleItems(model, histories, 2, { ...options, temperature: 1e-4 });
    expect(cold.items).toEqual(greedy.items);
  });

  it('draws with the probabilities of a constrained softmax, whichever the model has', async () => {
    const model = createModel(constrained);
    const options = { maskHistory: false, key: createKey(5, 'sample') };
    const draws = await sampleItems(model, histories, 20, options);
    expect((await sampleItems(createModel(), histories, 20, options)).items).toEqual(draws.items);
    const all = await createTigerRecommender(model, { beamWidth: ids.numItems }).recommend(histories, ids.numItems, {
      maskHistory: false,
    });
    for (const [i, item] of draws.items.entries()) {
      const user = Math.floor(i / 20);
      const place = all.items.subarray(user * ids.numItems, (user + 1) * ids.numItems).indexOf(item);
      expect(draws.scores[i]).toBeCloseTo(all.scores[user * ids.numItems + place], 4);
    }
  });

  it('lists, of each history, the best of what is not blocked', async () => {
    const recommender = createTigerRecommender(createModel(), { beamWidth: ids.numItems, batchSize: 1 });
    const all = await recommender.recommend(histories, ids.numItems, { maskHistory: true });
    const blocked = histories.map((_, row) => Int32Array.of(all.items[row * ids.numItems], row));
    const found = await recommender.recommend(histories, 3, { maskHistory: true, blocked });
    for (const [row, items] of blocked.entries()) {
      const list = all.items.subarray(row * ids.numItems, (row + 1) * ids.numItems);
      const expected = list.filter((item) => !items.includes(item)).slice(0, 3);
      expect(found.items.subarray(row * 3, (row + 1) * 3)).toEqual(expected);
    }
  });

  it('keeps to the nucleus', async () => {
    const model = createModel();
    const draws = await sampleItems(model, histories, 50, {
      maskHistory: false,
      topP: 1e-6,
      key: createKey(5, 'sample'),
    });
    expect(new Set(draws.items.subarray(0, 50)).size).toBe(1);
    await expect(
      sampleItems(model, histories, 1, { maskHistory: false, topP: 0, key: createKey(5, 'sample') }),
    ).rejects.toThrow('tiger: topP must be in (0, 1], got 0');
  });
});
