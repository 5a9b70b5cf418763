import type { Measurement } from './measurement.js';
import type { Population } from './population.js';
import { followedBy } from './social-graph.js';

/** Who infected whom. */
export interface DiffusionTree {
  /** Users in the order of their infection. */
  users: number[];
  /** Of each the place in `users` of whom they have it from; -1 of those infected at the beginning. */
  parents: number[];
}

/** Number of users infected so far. The tree grows with each step: those who infected a user may be several, of whom one is drawn. */
export function diffusionTree(): Measurement & { readonly tree: DiffusionTree } {
  const tree = growTree();
  return {
    name: 'num_infected',
    tree: tree.tree,
    measure: (population) => (tree.grow(population) ? tree.tree.users.length : null),
  };
}

export interface ViralityOptions {
  /** Half of the mean distance, as T-RECS divides: pairs once above, twice below. */
  upstream?: boolean;
}

/**
 * Mean distance between two nodes of a tree. Goel, Anderson, Hofman & Watts 2016, "The Structural Virality of Online Diffusion", eq. 1.
 *
 * @param parents  of each node the parent, which comes before it; -1 of the root
 * @returns NaN where there are fewer than two nodes, or several trees, between which there is no distance
 */
export function structuralVirality(parents: ArrayLike<number>, { upstream = false }: ViralityOptions = {}): number {
  const n = parents.length;
  const sizes = new Float64Array(n).fill(1);
  let roots = 0;
  let distances = 0; // over unordered pairs: each edge lies between what is below it and the rest
  for (let node = n - 1; node >= 0; node--) {
    const parent = parents[node];
    if (parent >= node) {
      throw new RangeError(`simulation: parents must come before their children, got ${parent} of node ${node}`);
    }
    if (parent < 0) roots++;
    else {
      sizes[parent] += sizes[node];
      distances += sizes[node] * (n - sizes[node]);
    }
  }
  if (n < 2 || roots !== 1) return Number.NaN;
  return ((upstream ? 1 : 2) * distances) / (n * (n - 1));
}

/** {@link structuralVirality} of the tree of those infected so far; null where there is not one tree of two nodes or more. */
export function structuralViralityMeasurement(options: ViralityOptions = {}): Measurement {
  const tree = growTree();
  return {
    name: 'structural_virality',
    measure: (population) => (tree.grow(population) ? structuralVirality(tree.tree.parents, options) : null),
  };
}

function growTree() {
  const tree: DiffusionTree = { users: [], parents: [] };
  const places = new Map<number, number>();
  let before: Int8Array | undefined;
  return {
    tree,
    /** False where nothing spreads. */
    grow({ system: { infectionState, graph }, random }: Population): boolean {
      if (!infectionState || !graph) return false;
      for (let user = 0; user < infectionState.length; user++) {
        const state = infectionState[user];
        // Who is met for the first time may have recovered since.
        if ((before ? state !== 1 : state === 0) || places.has(user)) continue;
        const candidates = Array.from(followedBy(graph, user)).filter((other) => before?.[other] === 1);
        // Two measurements of one population see one tree.
        const drawn =
          candidates.length > 1 ? random('diffusion tree', user).integer(candidates.length) : candidates.length - 1;
        tree.users.push(user);
        tree.parents.push(drawn < 0 ? -1 : places.get(candidates[drawn])!);
        places.set(user, tree.users.length - 1);
      }
      before = infectionState.slice();
      return true;
    },
  };
}
