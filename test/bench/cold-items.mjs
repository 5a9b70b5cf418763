// What new items get from a tokenizer and a TIGER that were trained without them: a share of the items is withheld from training, then
// appended to the semantic IDs. Recall of validation targets. Rajput et al. 2023, sec. 5.2.
import { leaveOneOut, packSequences, sequenceOf } from '@codebeam/data';
import { evaluate, meanMetrics } from '@codebeam/eval';
import { createKey, permutation } from '@codebeam/random';
import { extendSemanticIds, generateSemanticIds, rqvaeSchema } from '@codebeam/rqvae';
import { createTigerModel, createTigerRecommender, tigerSchema } from '@codebeam/tiger';
import { rqvaeTrainingSchema, tigerTrainingSchema, trainRqvae, trainTiger } from '@codebeam/trainers';
import { loadEmbedded } from './beauty.mjs';

const share = 0.05;
const k = 10;

export async function run({ raw, epochs, precision }) {
  const { name, sequences, embeddings } = await loadEmbedded(raw);
  const { rows: numItems, dim, values } = embeddings;
  const numCold = Math.round(share * numItems);
  const numWarm = numItems - numCold;
  // Items in a new order, those withheld last: appended IDs follow those that are there.
  const order = permutation(createKey(1, 'sample'), numItems);
  const number = new Int32Array(numItems);
  for (const [place, item] of order.entries()) number[item] = place;
  const isWarm = (item) => item < numWarm;
  const vectors = (from, to) => ({
    values: Float32Array.from({ length: (to - from) * dim }, (_, i) => {
      return values[order[from + Math.floor(i / dim)] * dim + (i % dim)];
    }),
    rows: to - from,
    dim,
  });
  const { train, validation } = leaveOneOut({ ...sequences, items: sequences.items.map((item) => number[item]) });
  const users = Array.from({ length: train.offsets.length - 1 }, (_, user) => user);
  const warmTrain = packSequences(users.map((user) => sequenceOf(train, user).filter(isWarm)));

  const rqvae = rqvaeSchema.parse({
    tokenizer: 'residual-kmeans',
    codebookSize: Math.min(256, numWarm >> 2),
    balanceLastLevel: true,
  });
  const warm = vectors(0, numWarm);
  const tokenizer = await trainRqvae({ embeddings: warm, config: rqvae, training: rqvaeTrainingSchema.parse({}) });
  const ids = await generateSemanticIds(tokenizer, warm, rqvae);
  const grown = await extendSemanticIds(ids, tokenizer, vectors(numWarm, numItems), rqvae);
  if (String(grown.sizes) !== String(ids.sizes)) {
    throw new Error(
      `cold-items: codes per position must stay ${ids.sizes}, got ${grown.sizes}; TIGER has no such tokens`,
    );
  }

  const config = tigerSchema.parse({
    encoderReads: 'items',
    maxHistory: 50,
    encoderLayers: 2,
    decoderLayers: 2,
    heads: 4,
    headWidth: 32,
    feedForwardWidth: 512,
    dropout: 0.2,
    constrainedSoftmax: true,
  });
  const training = tigerTrainingSchema.parse({
    maxEpochs: Number(epochs),
    batchSize: 32,
    weightDecay: 0.03,
    precision,
    schedule: { name: 'cosine', warmupSteps: 100 },
    progressBar: false,
  });
  const { model } = await trainTiger({ sequences: warmTrain, ids, config, training });

  const before = createTigerRecommender(model, { beamWidth: 50 });
  const after = createTigerRecommender(createTigerModel(config, grown, model.params), { beamWidth: 50 });
  const known = validation.map(({ history, ...rest }) => ({ ...rest, history: history.filter(isWarm) }));
  const recall = async (recommender, cases, size) =>
    meanMetrics(await evaluate(recommender, cases, { ks: [k], maskHistory: true, numItems: size }))[`recall@${k}`];
  const warmCases = (cases) => cases.filter(({ target }) => isWarm(target));
  const coldCases = validation.filter(({ target }) => !isWarm(target));
  const measured = {
    warmBefore: await recall(before, warmCases(known), numWarm),
    warmAfter: await recall(after, warmCases(validation), numItems),
    coldAfter: await recall(after, coldCases, numItems),
    coldReserved: await recall(reserveCold(after, isWarm), coldCases, numItems),
    warmReserved: await recall(reserveCold(after, isWarm), warmCases(validation), numItems),
  };
  const percent = (x) => (100 * x).toFixed(2);
  console.log(`${name}: ${numCold} of ${numItems} items withheld, ${coldCases.length} of ${validation.length} targets`);
  console.log(
    `recall@${k} of the others in %: ${percent(measured.warmBefore)} before they were appended, ${percent(measured.warmAfter)} after`,
  );
  console.log(
    `recall@${k} of theirs in %: 0 before, ${percent(measured.coldAfter)} after; one place of ${k} kept for them: ${percent(measured.coldReserved)}, and ${percent(measured.warmReserved)} of the others`,
  );
  return { data: name, epochs: Number(epochs), withheld: numCold, coldTargets: coldCases.length, ...measured };
}

/** The last of k places is the best new item's, if none is above it: the paper's epsilon of 1 / k. */
function reserveCold(recommender, isWarm) {
  return {
    ...recommender,
    async recommend(histories, size, options) {
      const depth = 5 * size;
      const { items, scores } = await recommender.recommend(histories, depth, options);
      const lists = {
        k: size,
        items: new Int32Array(histories.length * size),
        scores: new Float32Array(histories.length * size),
      };
      for (let row = 0; row < histories.length; row++) {
        const list = Array.from(items.subarray(row * depth, (row + 1) * depth));
        const first = list.findIndex((item) => item >= 0 && !isWarm(item));
        const chosen = list.slice(0, size);
        if (first >= size) chosen[size - 1] = list[first];
        lists.items.set(chosen, row * size);
        lists.scores.set(scores.subarray(row * depth, row * depth + size), row * size);
      }
      return lists;
    },
  };
}
