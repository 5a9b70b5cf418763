import type { SparseMatrix } from '@codebeam/data';
import type { TrainingData } from './define-recommender.js';

/**
 * [N, F] what is known of the items.
 *
 * @throws RangeError when the data has no features, or not of every item
 */
export function featuresOf({ itemFeatures, numItems }: TrainingData, model: string): SparseMatrix {
  if (itemFeatures?.rows === numItems && itemFeatures.indices.length > 0) return itemFeatures;
  const found = itemFeatures ? `${itemFeatures.rows} rows with ${itemFeatures.indices.length} entries` : 'none';
  throw new RangeError(
    `${model}: itemFeatures must have a row for each of the ${numItems} items and say something, got ${found}; bring items with categories or brands`,
  );
}
