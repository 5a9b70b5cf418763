import type { Generator } from '@codebeam/random';
import type { Profiles } from './profiles.js';
import type { ScoreFunction, Scorer } from './score-functions.js';
import type { SocialGraph } from './social-graph.js';

/** What a model is told when a simulation begins. */
export interface ModelContext {
  /** U */
  numUsers: number;
  /** I */
  numItems: number;
  /** Of the model's own draws at the beginning. */
  random: Generator;
}

/**
 * A recommender system as T-RECS has them: one function that makes the system's state and says how interactions change it.
 *
 * A system recommends by one of three things, looked for in this order: `recommend` (lists), `scores` (a number for each user and
 * item), or `users` and `items` (what it believes of both, scored by `scoreFn`).
 */
export type Model = (context: ModelContext) => System;

export interface System {
  /** [U, A'] what the system believes of users. */
  users?: Profiles;
  /** [I, A'] what it believes of items. */
  items?: Profiles;
  /** How well its items go with its users; {@link innerProduct} when left out. */
  scoreFn?: ScoreFunction;
  /** Its scores as of now, which later updates leave as they are; called at each training. */
  scores?(): Scorer;
  /** Lists instead of scores: as of the last training. */
  recommend?(request: ListRequest): Int32Array | Promise<Int32Array>;
  /** Takes note of one item per user. Scores stay what they are until the next training. */
  update?(interactions: Int32Array, random: Generator): void;
  /** Learns from what was noted, before scores are computed anew. */
  train?(): void | Promise<void>;
  /** Called at the begin of each run, with whether earlier interactions should be forgotten. */
  begin?(): void;
  /** Makes room for new items, whose actual attributes are given. Without it creators are an error. */
  addItems?(items: Profiles): void;
  /** Makes room for new users, whose actual profiles are given. Without it new users are an error. */
  addUsers?(users: Profiles, options: AddUsersOptions, random: Generator): void;
  /** Who hears from whom, for systems that know; to be changed between runs. */
  graph?: SocialGraph;
  /** [U] 0 susceptible, 1 infected, -1 recovered, for systems in which something spreads. */
  infectionState?: Int8Array;
  /** Whether nothing more will happen. */
  isComplete?(): boolean;
  /** What runs do unless they are told otherwise. */
  runDefaults?: { trainBetweenSteps?: boolean };
}

export interface ListRequest {
  /** Items of each list. */
  k: number;
  /** [U] what each user has met so far, oldest first. */
  histories: readonly Int32Array[];
  /** Whether lists may hold what a user has met. */
  repeatedItems: boolean;
}

export interface AddUsersOptions {
  /** Of all users, old ones first, for systems that know who hears from whom. */
  graph?: SocialGraph;
}
