import { scorerOf } from './score-functions.js';
import { checkUsers, followedBy, growGraph, randomGraph, type SocialGraph } from './social-graph.js';
import type { Model, System } from './system.js';

export interface BassOptions {
  /** Who can infect whom: a user those who follow them; G(n, .3) when left out. */
  graph?: SocialGraph;
  /** That one infected neighbour infects a user in a step; drawn from U[0, 1) when left out. */
  probability?: number;
  /** Users who are infected at the beginning; one drawn when left out. */
  infected?: readonly number[];
}

/**
 * Chance that a user is infected in a step: each infected neighbour tries by itself. Goel, Anderson, Hofman & Watts 2016, "The
 * Structural Virality of Online Diffusion"; 1 - (1 - p)^m.
 *
 * @param probability        p, of one neighbour
 * @param infectedNeighbours m
 */
export function infectionProbability(probability: number, infectedNeighbours: number): number {
  return 1 - (1 - probability) ** infectedNeighbours;
}

/**
 * Bass diffusion of one item, which is shown to everybody in each step. Whom it infects infects neighbours in the next step and then
 * recovers for good. T-RECS stores thresholds besides, which it never reads: there are none here.
 */
export function bass(options: BassOptions = {}): Model {
  return ({ numUsers, numItems, random }) => {
    if (numItems !== 1) {
      throw new RangeError(
        `simulation: Bass diffusion must have one item, got ${numItems}; set the number of items to 1`,
      );
    }
    const graph = options.graph ?? randomGraph(numUsers, 0.3, random);
    const probability = options.probability ?? random.uniform();
    if (!(probability >= 0 && probability <= 1)) {
      throw new RangeError(`simulation: infection probability must be from 0 to 1, got ${probability}`);
    }
    const state = new Int8Array(numUsers);
    for (const user of options.infected ?? [random.integer(numUsers)]) {
      if (!(Number.isInteger(user) && user >= 0 && user < numUsers)) {
        throw new RangeError(`simulation: infected users must be in [0, ${numUsers}), got ${user}`);
      }
      state[user] = 1;
    }
    let chances = new Float64Array(numUsers); // as of the last training
    const chanceOf = (graph: SocialGraph, states: Int8Array, user: number) => {
      if (states[user] === -1) return 0;
      let infected = 0;
      for (const other of followedBy(graph, user)) if (states[other] === 1) infected++;
      return infectionProbability(probability, infected);
    };

    const system: System & { graph: SocialGraph; infectionState: Int8Array } = {
      graph,
      infectionState: state,
      train() {
        const { graph, infectionState } = system;
        checkUsers(graph, infectionState.length);
        chances = Float64Array.from(infectionState, (_, user) => chanceOf(graph, infectionState, user));
      },
      scores() {
        const trained = chances;
        return scorerOf(1, (user, scores) => {
          scores[0] = trained[user] ?? 0;
        });
      },
      update(_interactions, random) {
        const { infectionState } = system;
        for (let user = 0; user < infectionState.length; user++) {
          const isHit = random.uniform() < (chances[user] ?? 0);
          if (infectionState[user] !== 0) infectionState[user] = -1;
          else if (isHit) infectionState[user] = 1;
        }
      },
      isComplete: () => !system.infectionState.includes(1),
      addUsers(added, { graph: grown }) {
        const numUsers = system.infectionState.length + added.rows;
        const graph = grown ?? growGraph(system.graph, added.rows);
        checkUsers(graph, numUsers);
        const states = new Int8Array(numUsers);
        states.set(system.infectionState);
        const old = chances;
        chances = Float64Array.from(states, (_, user) => old[user] ?? chanceOf(graph, states, user));
        Object.assign(system, { graph, infectionState: states });
      },
    };
    return system;
  };
}
