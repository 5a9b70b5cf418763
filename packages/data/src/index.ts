export { readAmazonItems, readAmazonReviews } from './amazon-reviews.js';
export { type Batch, type Batches, bucketByLength, sequenceBatches, shuffledBatches } from './batches.js';
export {
  type InteractionMap,
  type ItemMap,
  interactionMapSchema,
  itemMapSchema,
  parseTime,
  type Row,
  type RowOptions,
  readMappedInteractions,
  readMappedItems,
  readRows,
  type TableFormat,
} from './column-map.js';
export {
  type ConfigPath,
  type ConfigSection,
  checkConfig,
  isSection,
  parseConfigFile,
  readConfig,
} from './config-file.js';
export {
  type DatabricksModule,
  type DatabricksSource,
  databricksSchema,
  readDatabricksInteractions,
} from './databricks.js';
export { type Download, type DownloadOptions, type DownloadProgress, downloadFiles } from './download.js';
export { checkEmbeddings, type Embeddings, joinEmbeddings, readEmbeddings, writeEmbeddings } from './embeddings.js';
export { type Feature, type FeatureTable, featureMatrix, itemFeatures } from './features.js';
export { type Filter, filterInteractions, filterSchema } from './filters.js';
export { hashFile } from './hash-file.js';
export { holdLock } from './hold-lock.js';
export {
  type CoreBounds,
  collectInteractions,
  countOf,
  firstTimes,
  type Interactions,
  joinRows,
  kCore,
  keepFirstOfDuplicates,
  keepLastOfDuplicates,
  numberById,
  orderByTime,
  packSequences,
  partNames,
  placesIn,
  type RawInteraction,
  rowsByPair,
  rowsByUser,
  rowsInTime,
  type Sequences,
  selectRows,
  sequenceOf,
  sortIds,
  type TieOrder,
} from './interactions.js';
export { readItems, writeItems } from './item-table.js';
export { type ItemTextConfig, itemText, itemTextSchema } from './item-text.js';
export { alignItems, type Item } from './items.js';
export { type EvaluationCase, type LeaveOneOut, leaveOneOut } from './leave-one-out.js';
export { nearestWord } from './nearest-key.js';
export { type NpyArray, readNpy } from './npy.js';
export { loadPrecomputedEmbeddings, type PrecomputedOptions } from './precomputed.js';
export { collectPresplit, findPresplit, type Presplit } from './presplit.js';
export { type PythonValue, parsePythonLiteral } from './python-literal.js';
export { createRandomEncoder } from './random-encoder.js';
export { type ListOrder, type RankingRole, type RankingRows, rankRows, readRankingRows } from './ranking-rows.js';
export { type BadLines, readLines, type ToleranceOptions } from './read-lines.js';
export { readRecboleFeatures, readRecboleInteractions, readRecboleItems } from './recbole.js';
export { readS3RecSequences } from './s3rec.js';
export {
  decodeSafetensors,
  encodeSafetensors,
  type Safetensor,
  type SafetensorData,
  type SafetensorDtype,
} from './safetensors.js';
export type { SealedTest } from './sealed-test.js';
export { readSequenceTable, type SequenceTable, sequenceTableSchema } from './sequence-table.js';
export { readSessionLines } from './session-lines.js';
export { readSessionTable } from './session-table.js';
export { mergeRepeats, splitAtGaps } from './sessions.js';
export { drawSubSequences, slidingWindowPairs, type TrainingPairs } from './sliding-window.js';
export { type SparseMatrix, sparseMatrix, stackRows, transpose } from './sparse-matrix.js';
export { type Split, splitSchema } from './split-schema.js';
export { type InteractionSplit, splitInteractions, type TrainAndValidation } from './splits.js';
export { bestPossibleRecall, type SyntheticFiles, type SyntheticOptions, writeSyntheticAmazon } from './synthetic.js';
export { type Column, type ColumnType, type ColumnValues, readParquet, writeParquet } from './tables.js';
export type { TextEncoder } from './text-encoder.js';
export { createTfidfSvdEncoder, type TfidfSvdConfig, tfidf, tfidfSvdSchema, truncatedSvd } from './tfidf-svd.js';
export {
  createTransformersEncoder,
  type TransformersEncoderConfig,
  type TransformersModule,
  transformersEncoderSchema,
} from './transformers-encoder.js';
export { writeFileAtomically } from './write-file.js';
