import { access, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { joinRows, writeFileAtomically } from '@codebeam/data';
import { judgeLists, judgementOf } from '@codebeam/eval';
import { recommenderModels, refitOptions } from '@codebeam/recommenders';
import type { OptionValue, Study } from '@codebeam/trainers/search';
import type { Search } from './search-models.js';
import { type TuneData, trainingDataOf } from './tune-data.js';

/** The best trial of all studies. */
export interface Best {
  model: string;
  trial: number;
  options: { readonly [key: string]: OptionValue };
  /** The report that was best: a validation's number, of a model that is trained in steps. */
  resource: number;
  metric: string;
  validation: number;
}

/** The best of the studies' best; the earlier of equal ones, none when every trial failed. */
export function bestOf(studies: readonly Study[]): Best | undefined {
  let best: Best | undefined;
  for (const { name, metric, mode, best: found } of studies) {
    if (!found || (best && (mode === 'max' ? found.score <= best.validation : found.score >= best.validation)))
      continue;
    const { number, values, resource, score } = found;
    best = { model: name, trial: number, options: values, resource: resource!, metric, validation: score };
  }
  return best;
}

/**
 * Fits the best options to train and validation, saves that as `best` in the output folder, and measures it on the test part. What an
 * earlier process finished is not done again; a fit that was killed goes on from its last checkpoint.
 *
 * @returns metrics of the test part
 */
export async function refitBest(
  best: Best,
  { config, folder: base, output }: Search,
  data: TuneData,
): Promise<Record<string, number>> {
  const resultsPath = join(output, 'results.json');
  const text = await readFile(resultsPath, 'utf8').catch(() => undefined);
  const before: { best: Best; test: Record<string, number> } | undefined = text && JSON.parse(text);
  const isSaved = await access(join(output, 'best', 'config.json')).then(
    () => true,
    () => false,
  );
  if (isSaved && before && isDeepStrictEqual(before.best, JSON.parse(JSON.stringify(best)))) return before.test;

  const { train, validation, test } = data.split;
  const known = joinRows(train, validation);
  const model = recommenderModels[best.model];
  const training = trainingDataOf(known, 'train+validation', data);
  const options = refitOptions(model, best.options, best.resource);
  const { seed } = config.search;
  const state = join(output, '.refit', `${best.model}-${best.trial}-${best.resource}`);
  const pathOf = (file: string) => resolve(base, file);
  const context = { seed, label: `refit of ${best.model}`, stateFolder: state, pathOf };
  const recommender = await model.fit(training, options, context);

  const [folder, written] = [join(output, 'best'), join(output, '.best')];
  await rm(written, { recursive: true, force: true });
  await mkdir(written);
  await recommender.save(written);
  await rm(resultsPath, { force: true }); // it speaks of the checkpoint that goes
  await rm(folder, { recursive: true, force: true });
  await rename(written, folder);

  const judgement = judgementOf(known, test.open('evaluate'), config.evaluation, seed);
  const { overall } = await judgeLists(recommender, judgement);
  const metrics = Object.fromEntries(Object.entries(overall).filter(([, value]) => Number.isFinite(value)));
  await writeFileAtomically(resultsPath, `${JSON.stringify({ best, test: metrics }, null, 2)}\n`);
  await rm(join(output, '.refit'), { recursive: true, force: true });
  return metrics;
}
