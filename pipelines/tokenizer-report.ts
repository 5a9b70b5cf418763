import { readFile } from 'node:fs/promises';
import { writeFileAtomically } from '@codebeam/data';
import type { TokenizerReport } from '@codebeam/rqvae';

export async function writeTokenizerReport(path: string, report: TokenizerReport): Promise<void> {
  await writeFileAtomically(path, `${JSON.stringify(report, null, 1)}\n`);
}

export async function readTokenizerReport(path: string): Promise<TokenizerReport> {
  return JSON.parse(await readFile(path, 'utf8'));
}

/** The report in words and columns, for the terminal. */
export function formatTokenizerReport(report: TokenizerReport): string {
  const { items, levels, codebookSize, usage, collisions, reconstruction, categories = [], coOccurrence = [] } = report;
  const lines = [
    `tokenizer: ${items.toLocaleString('en')} items, ${levels} levels of ${codebookSize} codes`,
    ...(reconstruction
      ? [
          `reconstruction: MSE ${number(reconstruction.mse)}, RMSE ${number(reconstruction.rmse)}, cosine ${number(reconstruction.cosineSimilarity)}`,
        ]
      : []),
    ...usage.map(
      ({ usage, perplexity, entropy }, level) =>
        `level ${level + 1}: ${percent(usage)} of codes used, perplexity ${perplexity.toFixed(1)}, entropy ${entropy.toFixed(2)} bits`,
    ),
    `collisions: ${number(collisions.distinctTuples)} distinct tuples per item, ${percent(collisions.collisionRate)} of items share theirs, ` +
      `largest group ${collisions.largestGroup}, entropy ${collisions.entropy.toFixed(2)} of ${Math.log2(items).toFixed(2)} bits; unique with the collision code`,
    ...categories.map(
      ({ length, purity, normalisedMutualInformation, random }) =>
        `${codes(length)} and categories: purity ${percent(purity)} (random ${percent(random.purity)}), ` +
        `NMI ${number(normalisedMutualInformation)} (random ${number(random.normalisedMutualInformation)})`,
    ),
    ...coOccurrence.map(
      ({ length, consecutive, random }) =>
        `${codes(length)} and histories: ${percent(consecutive)} of consecutive items share them (random ${percent(random)})`,
    ),
  ];
  return lines.map((line) => `  ${line}`).join('\n');
}

/** The report as short facts, for the page. */
export function tokenizerFacts({ reconstruction, usage, collisions, coOccurrence = [] }: TokenizerReport) {
  return {
    ...(reconstruction && {
      'Reconstruction RMSE': reconstruction.rmse,
      'Cosine similarity': reconstruction.cosineSimilarity,
    }),
    'Least usage of a level': Math.min(...usage.map((level) => level.usage)),
    'Distinct tuples per item': collisions.distinctTuples,
    'Collision rate': collisions.collisionRate,
    'Largest group': collisions.largestGroup,
    'Entropy, bits': collisions.entropy,
    ...(coOccurrence[0] && {
      'Consecutive items with equal first code': coOccurrence[0].consecutive,
      'The same at random': coOccurrence[0].random,
    }),
  };
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const number = (value: number) => value.toPrecision(3);
const codes = (length: number) => (length === 1 ? 'first code' : `first ${length} codes`);
