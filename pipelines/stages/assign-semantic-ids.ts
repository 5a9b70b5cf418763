import { leaveOneOut, readEmbeddings } from '@codebeam/data';
import { createKey } from '@codebeam/random';
import {
  evaluateReconstruction,
  generateSemanticIds,
  initRqvae,
  reportTokenizer,
  writeSemanticIds,
} from '@codebeam/rqvae';
import { createVocabulary } from '@codebeam/tiger';
import { loadParams } from '@codebeam/trainers';
import { categoryOf, readDataset } from '../dataset-tables.js';
import type { StageContext } from '../stage.js';
import { formatTokenizerReport, writeTokenizerReport } from '../tokenizer-report.js';

/** Embeddings and tokenizer -> semantic-ids.parquet, and a report on the IDs before TIGER is trained on them. */
export async function assignSemanticIds(context: StageContext<'rqvae'>): Promise<Record<string, number>> {
  const { config, input, output, log } = context;
  const { rqvae, seed } = config;
  const { items, sequences, interactions } = await readDataset((file) => input('prepare-data', file));
  const embeddings = await readEmbeddings(input('embed-items', 'item-embeddings.arrow'), { rows: items.length });
  const expected = initRqvae(createKey(seed, 'init'), embeddings, rqvae);
  const params = await loadParams(input('train-rqvae', 'rqvae.safetensors'), expected);

  const ids = await generateSemanticIds(params, embeddings, rqvae);
  const report = reportTokenizer(ids, {
    reconstruction: await evaluateReconstruction(params, embeddings, rqvae),
    labels: items.map((item) => categoryOf(item) ?? ''),
    // What the validation and test items tell about the IDs must not steer the choice of a tokenizer.
    sequences: leaveOneOut(sequences).train,
    key: createKey(seed, 'sample'),
  });
  const { offsets } = createVocabulary(ids, { encoderReads: 'codes', separator: false, userTokens: 0 });
  await writeSemanticIds(output('semantic-ids.parquet'), ids, interactions.itemIds, offsets);
  await writeTokenizerReport(output('tokenizer-report.json'), report);
  log(formatTokenizerReport(report));
  return { items: ids.numItems, levels: ids.levels, collisionCodes: ids.sizes[ids.levels] };
}
