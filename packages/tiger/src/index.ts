export { type BeamSearchOptions, beamSearch, type GeneratedLists, type ScoreCodes } from './beam-search.js';
export { type TigerConfig, tigerSchema } from './config.js';
export { continuationMask } from './constrained-softmax.js';
export { evaluateGeneration } from './evaluate-generation.js';
export { findTigerRun, loadTiger, type TigerCheckpoint } from './load-tiger.js';
export { blockItems, createPrefixTrie, type PrefixTrie } from './prefix-trie.js';
export { createTigerModel, createTigerRecommender, type TigerModel, type TigerRecommender } from './recommend.js';
export { type SampleOptions, sampleItems } from './sample-items.js';
export { encodeHistories, forward, initTiger, type Tiger, tigerLoss } from './tiger.js';
export {
  createVocabulary,
  informativePositions,
  type PackedHistories,
  paddingToken,
  tokenizeHistories,
  tokenizeItems,
  userToken,
  type Vocabulary,
} from './tokens.js';
