import { createKey, foldIn } from '@codebeam/random';
import { gridPoint, type Hyperparameters, type SearchSpace, sampleSpace } from './search-space.js';

/** What a finished trial tells a sampler. */
export interface Observation {
  values: Hyperparameters;
  /** Smaller is better; Infinity for a trial that failed. */
  loss: number;
}

/** Where a proposal stands: all that it may depend on besides the space. */
export interface Proposal {
  seed: number;
  /** Number of the trial, from 0. */
  trial: number;
  /** Earlier trials in order of their numbers; empty for samplers that do not look back. */
  history: readonly Observation[];
}

/** Chooses what to try next, as a function of its arguments alone: a resumed study proposes what it would have. */
export interface Sampler {
  readonly name: string;
  /** Whether proposals depend on the history, so that a study has to wait for it. */
  readonly looksBack: boolean;
  /** @returns undefined when there is nothing left to try */
  propose(space: SearchSpace, proposal: Proposal): Hyperparameters | undefined;
}

/** Every point of a finite space, once. */
export function gridSampler(): Sampler {
  return { name: 'grid', looksBack: false, propose: (space, { trial }) => gridPoint(space, trial) };
}

/** Draws in a row without a new point, after which a finite space counts as tried. */
const drawsInVain = 1000;

/** Independent draws; one that was drawn before is passed over. */
export function randomSampler(): Sampler {
  return {
    name: 'random',
    looksBack: false,
    propose(space, { seed, trial }) {
      const key = createKey(seed, 'sample');
      const drawn = new Set<string>();
      for (let draw = 0, last = 0; draw - last <= drawsInVain; draw++) {
        const point = sampleSpace(space, foldIn(key, draw));
        if (drawn.has(identityOf(point))) continue;
        if (drawn.size === trial) return point;
        drawn.add(identityOf(point));
        last = draw;
      }
      return undefined;
    },
  };
}

/** Equal for equal points. */
export const identityOf = (point: Hyperparameters) => JSON.stringify(point);
