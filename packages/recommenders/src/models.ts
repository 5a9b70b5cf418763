import { addEase, cease } from './attribute-ease.js';
import { attributeItemKnn, attributeUserKnn } from './attribute-knn.js';
import { bprMf } from './bpr-mf.js';
import { coOccurrence } from './co-occurrence.js';
import { core } from './core.js';
import { type FittedRecommender, type RecommenderModel, readConfig } from './define-recommender.js';
import { ease } from './ease.js';
import { gru4rec } from './gru4rec.js';
import { ials } from './ials.js';
import { itemKnn } from './item-knn.js';
import { markov } from './markov.js';
import { mostPopular } from './most-popular.js';
import { neumf } from './neumf.js';
import { proxy } from './proxy.js';
import { random } from './random.js';
import { rp3beta } from './rp3beta.js';
import { sasrec } from './sasrec.js';
import { slim } from './slim.js';
import { userKnn } from './user-knn.js';
import { vsm } from './vsm.js';

/** Every model of this package by its name, which configs and checkpoints use. */
export const recommenderModels: Readonly<Record<string, RecommenderModel>> = Object.fromEntries(
  [
    ...[random, mostPopular, markov, coOccurrence], // counting
    ...[itemKnn, userKnn, rp3beta, ease, slim, ials], // of the user-item matrix
    ...[vsm, attributeItemKnn, attributeUserKnn, cease, addEase], // of what items are, too
    ...[bprMf, neumf, sasrec, core, gru4rec], // trained by gradient
    ...[proxy], // of another system
  ].map((model: RecommenderModel) => [model.name, model]),
);

/**
 * Loads what a model of this package saved.
 *
 * @throws Error when the folder holds no such model
 */
export async function loadRecommender(folder: string): Promise<FittedRecommender> {
  const { model } = await readConfig(folder);
  const known = recommenderModels[model];
  if (known) return known.load(folder);
  throw new Error(
    `recommenders: ${folder} must hold one of ${Object.keys(recommenderModels).join(', ')}, got ${model}; load a model of your own with its own load`,
  );
}
