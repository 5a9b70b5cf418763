import type { Precision } from '@codebeam/backend';
import type { Recommendations, Recommender } from '@codebeam/eval';
import { loadRecommender } from '@codebeam/recommenders';
import type { SemanticIds } from '@codebeam/rqvae';
import { createTigerRecommender, findTigerRun, loadTiger, type TigerRecommender } from '@codebeam/tiger';

/** A model with all that one must know to ask it in the words of its data. */
export interface Checkpoint {
  recommender: Recommender;
  numItems: number;
  /** Source ids by dense id. */
  itemIds: readonly string[];
  /** Users whose histories the model keeps; none where it keeps nobody's. */
  userIds: readonly string[];
  /** Lists for users of the training data, after all that they did there; without it unless `maskHistory` is false. */
  recommendToUsers?(users: readonly string[], k: number, maskHistory?: boolean): Promise<Recommendations>;
  /** Of a model that generates items code by code. */
  tiger?: {
    /** What it generates: the positions of the semantic IDs that say something. */
    ids: SemanticIds;
    beamWidth: number;
    withBeamWidth(beamWidth: number): TigerRecommender;
  };
}

export interface LoadOptions {
  /** W of TIGER's beam search where a request does not say. */
  beamWidth?: number;
  /** Of TIGER's matrix products; as it is set when left out. */
  precision?: Precision;
}

/**
 * Loads whatever this repository's trainings leave: a run with a trained TIGER (or its stage train-tiger), or a folder that a
 * recommender was saved to.
 *
 * @throws Error when the folder holds neither, or files of it are missing or of another model
 * @throws RangeError when a beam width is given for a model that has no beams
 */
export async function loadCheckpoint(folder: string, { beamWidth, precision }: LoadOptions = {}): Promise<Checkpoint> {
  const run = await findTigerRun(folder);
  if (run === undefined) return loadFitted(folder, beamWidth);
  const { model, itemIds } = await loadTiger(run);
  const withBeamWidth = (width: number) =>
    createTigerRecommender(model, { beamWidth: width, ...(precision && { precision }) });
  return {
    recommender: withBeamWidth(beamWidth ?? defaultBeamWidth),
    numItems: model.ids.numItems,
    itemIds,
    userIds: [],
    tiger: { ids: model.ids, beamWidth: beamWidth ?? defaultBeamWidth, withBeamWidth },
  };
}

/** What `evaluate` measures TIGER with. */
const defaultBeamWidth = 50;

async function loadFitted(folder: string, beamWidth: number | undefined): Promise<Checkpoint> {
  const recommender = await loadRecommender(folder);
  if (beamWidth !== undefined) {
    throw new RangeError(
      `serving: beam width must be left out but for TIGER, got ${beamWidth} for ${recommender.name}; it has no beams`,
    );
  }
  const { numItems, userIds = [] } = recommender;
  return {
    recommender,
    numItems,
    itemIds: recommender.itemIds ?? Array.from({ length: numItems }, (_, item) => String(item)),
    userIds,
    ...(userIds.length > 0 && { recommendToUsers: recommender.recommendToUsers }),
  };
}
