import type { Item } from '@codebeam/data';
import type { Recommender } from '@codebeam/eval';
import type { SemanticIds } from '@codebeam/rqvae';
import { answerRequests, type ListAnswer, type ListRequest, type Refusal } from './answer-requests.js';
import { type Catalogue, createCatalogue } from './catalogue.js';
import type { Checkpoint } from './load-checkpoint.js';

/** A model that the service can ask, wherever it runs. */
export interface Model {
  readonly about: ModelDescription;
  readonly catalogue: Catalogue;
  /** How often what answers had to be started again. */
  readonly restarts?: number;
  /** [L+1] what TIGER generates for an item, code by code; of other models nothing. */
  codesOf?(item: number): number[];
  /** Answers in the order of the requests. */
  recommend(requests: readonly ListRequest[]): Promise<readonly (ListAnswer | Refusal)[]>;
  close(): Promise<void>;
}

export interface ModelDescription {
  /** What kind of recommender it is: tiger, ease, sasrec ... */
  kind: string;
  parameters: Readonly<Record<string, string | number | boolean>>;
  numItems: number;
  /** Whether it keeps histories of users, so that a user id alone is enough. */
  knowsUsers: boolean;
  /** Of TIGER: W where a request does not say, and how many codes each position of its IDs has. */
  beamWidth?: number;
  sizes?: readonly number[];
  /** The folder that it was loaded from. */
  checkpoint?: string;
}

export function describeCheckpoint({ recommender, numItems, userIds, tiger }: Checkpoint): ModelDescription {
  return {
    kind: recommender.name,
    parameters: recommender.parameters ?? {},
    numItems,
    knowsUsers: userIds.length > 0,
    ...(tiger && { beamWidth: tiger.beamWidth, sizes: tiger.ids.sizes }),
  };
}

/** Says the codes of an item as plain numbers. (The service itself loads no code of models: it is up sooner, and small.) */
export const codesOf =
  ({ codes, sizes: { length } }: Pick<SemanticIds, 'codes' | 'sizes'>) =>
  (item: number) => {
    return Array.from(codes.subarray(item * length, (item + 1) * length));
  };

/**
 * Any recommender as a model of the service, in this process: for those that answer at once. One that computes for milliseconds keeps
 * everybody else waiting; {@link startModelProcess} gives it a process of its own.
 *
 * @param items  by dense id; ids of those of which nothing more is known
 */
export function recommenderModel(recommender: Recommender, items: readonly (Item | string)[]): Model {
  const catalogue = createCatalogue(items.map((item) => (typeof item === 'string' ? { id: item } : item)));
  const checkpoint: Checkpoint = {
    recommender,
    numItems: items.length,
    itemIds: catalogue.items.map(({ id }) => id),
    userIds: [],
  };
  return {
    about: describeCheckpoint(checkpoint),
    catalogue,
    recommend: (requests) => answerRequests(checkpoint, requests),
    async close() {},
  };
}
