export {
  appendSemanticIds,
  assignSemanticIds,
  createItemLookup,
  formatSemanticId,
  groupByPrefix,
  parseSemanticId,
  type SemanticIds,
  semanticIdOf,
} from './semantic-ids.js';
