import type { Embeddings } from '@codebeam/data';
import { codebookUsage, groupByPrefix, quantizeItems, type RqvaeConfig, type RqvaeParams } from '@codebeam/rqvae';
import { createEventFile } from './event-file.js';
import type { Callback } from './fit.js';
import { writeProjector } from './projector.js';

/**
 * Shows how the codebooks fare, at each n-th epoch and at the end, in TensorBoard: `codebook/usage-1`, `perplexity-1` and
 * a histogram of the items per code for each level, the share of distinct tuples, and the code vectors in the projector.
 */
export function logCodebooks(options: {
  /** A run of its own for TensorBoard. */
  directory: string;
  /** Epochs; each time all items are encoded. */
  every: number;
  embeddings: Embeddings;
  config: RqvaeConfig;
}): Callback<RqvaeParams> {
  const { directory, every, embeddings, config } = options;
  const events = createEventFile(directory);
  let logged = 0;
  return async ({ kind, state: { params, step, epoch } }) => {
    if (kind === 'start') events.start(step + 1);
    const isDue = kind === 'end' || (kind === 'epoch' && epoch % every === 0);
    if (!isDue || logged === step) return;
    logged = step;
    const { codes } = await quantizeItems(params, embeddings, config);
    const levels = codebookUsage(codes, config);
    for (const [i, { usage, perplexity, counts }] of levels.entries()) {
      events.scalar(`codebook/usage-${i + 1}`, usage, step);
      events.scalar(`codebook/perplexity-${i + 1}`, perplexity, step);
      events.histogram(`codebook/items-${i + 1}`, counts, step);
    }
    const tuples = groupByPrefix(codes, config.levels, config.levels).numGroups;
    events.scalar('codebook/distinct-tuples', tuples / embeddings.rows, step);
    await events.flush();
    const projections = params.codebooks.map(async (codebook, i) => ({
      name: `codebook-${i + 1}`,
      values: await codebook.data(),
      dim: codebook.shape[1],
      labels: { code: Array.from(levels[i].counts.keys()), items: levels[i].counts },
    }));
    await writeProjector(directory, await Promise.all(projections));
  };
}
