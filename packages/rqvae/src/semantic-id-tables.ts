import { readFile } from 'node:fs/promises';
import { readParquet, writeParquet } from '@codebeam/data';
import { formatSemanticId, type SemanticIds, semanticIdOf } from './semantic-ids.js';
import type { TokenizerReport } from './tokenizer-report.js';

/**
 * Writes semantic-ids.parquet: item, id, codes (L codes and the collision code), tokens (the same as numbers of a
 * vocabulary, no two positions sharing one) and the ID as text.
 *
 * @param offsets  [L+1] token of code 0 at each position
 */
export async function writeSemanticIds(
  path: string,
  ids: SemanticIds,
  itemIds: readonly string[],
  offsets: readonly number[],
): Promise<void> {
  const codes = itemIds.map((_, item) => semanticIdOf(ids, item));
  await writeParquet(path, {
    item: { type: 'int32', values: Int32Array.from(itemIds.keys()) },
    id: { type: 'string', values: itemIds },
    codes: { type: 'list<int32>', values: codes },
    tokens: { type: 'list<int32>', values: codes.map((id) => id.map((code, position) => offsets[position] + code)) },
    semanticId: { type: 'string', values: codes.map(formatSemanticId) },
  });
}

/**
 * The IDs of semantic-ids.parquet, and the items' source ids by dense id; how many codes a level has stands in the report written
 * with them.
 */
export async function readSemanticIds(
  path: string,
  reportPath: string,
): Promise<{ ids: SemanticIds; itemIds: string[] }> {
  const { id: itemIds, codes } = await readParquet(path, { id: 'string', codes: 'list<int32>' });
  const { levels, codebookSize }: TokenizerReport = JSON.parse(await readFile(reportPath, 'utf8'));
  const all = new Int32Array(codes.length * (levels + 1)); // [N, L+1]
  let collisionCodes = 1;
  for (const [item, id] of codes.entries()) {
    if (id.length !== levels + 1) {
      throw new RangeError(
        `rqvae: codes of ${path} must be ${levels + 1} an item, got ${id.length} for item ${item}; assign the semantic IDs again`,
      );
    }
    all.set(id, item * (levels + 1));
    collisionCodes = Math.max(collisionCodes, id[levels] + 1);
  }
  const sizes = [...Array<number>(levels).fill(codebookSize), collisionCodes];
  return { ids: { levels, sizes, codes: all, numItems: codes.length }, itemIds: itemIds as string[] };
}
