// Lists of 10 for --users users of the validation split, trie on, history masked. Weights are random, which the time does not see.
import { tf } from '@codebeam/backend';
import { createKey, permutation } from '@codebeam/random';
import { createTigerModel, createTigerRecommender, createVocabulary, initTiger } from '@codebeam/tiger';
import { loadTokenized, tigerConfig } from './beauty.mjs';

export async function run({ raw, model = 'paper', beam, users = '1000' }) {
  const config = tigerConfig(model);
  const { name, ids, validation } = await loadTokenized(raw);
  const beamWidth = Number(beam);
  const params = initTiger(config, createVocabulary(ids, config), 1);
  const recommender = createTigerRecommender(createTigerModel(config, ids, params), { beamWidth });
  const order = permutation(createKey(1, 'sample'), validation.length).subarray(0, Number(users));
  const histories = Array.from(order, (i) => validation[i].history);
  await recommender.recommend(histories.slice(0, 64), 10, { maskHistory: true });
  const start = performance.now();
  await recommender.recommend(histories, 10, { maskHistory: true });
  const seconds = (performance.now() - start) / 1000;
  console.log(
    `${histories.length} users at beam ${beamWidth}: ${seconds.toFixed(1)} s; ${tf.memory().numTensors} tensors held`,
  );
  return { usersPerSecond: histories.length / seconds, users: histories.length, beamWidth, data: name, model };
}
