import { readFile } from 'node:fs/promises';
import { readParquet, writeFileAtomically, writeParquet } from '@codebeam/data';
import { formatSemanticId, type SemanticIds, semanticIdOf, type TokenizerReport } from '@codebeam/rqvae';

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

/** The IDs of semantic-ids.parquet; how many codes a level has stands in the report written with them. */
export async function readSemanticIds(path: string, reportPath: string): Promise<SemanticIds> {
  const { codes } = await readParquet(path, { codes: 'list<int32>' });
  const { levels, codebookSize } = await readTokenizerReport(reportPath);
  const all = new Int32Array(codes.length * (levels + 1)); // [N, L+1]
  let collisionCodes = 1;
  for (const [item, id] of codes.entries()) {
    if (id.length !== levels + 1) {
      throw new RangeError(
        `pipelines: codes of ${path} must be ${levels + 1} an item, got ${id.length} for item ${item}`,
      );
    }
    all.set(id, item * (levels + 1));
    collisionCodes = Math.max(collisionCodes, id[levels] + 1);
  }
  const sizes = [...Array<number>(levels).fill(codebookSize), collisionCodes];
  return { levels, sizes, codes: all, numItems: codes.length };
}

export async function writeTokenizerReport(path: string, report: TokenizerReport): Promise<void> {
  await writeFileAtomically(path, `${JSON.stringify(report, null, 1)}\n`);
}

export async function readTokenizerReport(path: string): Promise<TokenizerReport> {
  return JSON.parse(await readFile(path, 'utf8'));
}
