import { countInteractions } from './interaction-counts.js';
import { type Scorer, scorerOf } from './score-functions.js';
import { checkUsers, followedBy, growGraph, randomGraph, type SocialGraph } from './social-graph.js';
import type { Model, System } from './system.js';

export interface SocialFilteringOptions {
  /** Who follows whom; G(n, .3) when left out. Between runs, `system.graph` may be set to another. */
  graph?: SocialGraph;
}

/**
 * Recommends what those whom a user follows have met: the sum of their interactions with an item, divided by the root of their number
 * (T-RECS' inner product of the user's row of the graph, scaled to length 1, with the table of who met what). Both stay sparse.
 */
export function socialFiltering(options: SocialFilteringOptions = {}): Model {
  return (context) => {
    const counts = countInteractions(context.numUsers);
    let numItems = context.numItems;
    let trained: { graph: SocialGraph; offsets: Int32Array; items: Int32Array; values: Int32Array };
    const graph = options.graph ?? randomGraph(context.numUsers, 0.3, context.random);
    checkUsers(graph, context.numUsers);

    const system: System & { graph: SocialGraph } = {
      graph,
      update: (interactions) => counts.add(interactions),
      /** Puts the counts in order, so that later updates leave the scores as they are. */
      train() {
        checkUsers(system.graph, counts.rows.length);
        const offsets = new Int32Array(counts.rows.length + 1);
        for (const [user, row] of counts.rows.entries()) offsets[user + 1] = offsets[user] + row.size;
        const items = new Int32Array(offsets[counts.rows.length]);
        const values = new Int32Array(items.length);
        let at = 0;
        for (const row of counts.rows) {
          for (const [item, count] of row) {
            items[at] = item;
            values[at++] = count;
          }
        }
        trained = { graph: system.graph, offsets, items, values };
      },
      scores(): Scorer {
        const { graph, offsets, items, values } = trained;
        return scorerOf(numItems, (user, scores) => {
          scores.fill(0);
          if (user >= graph.numUsers) return;
          const followed = followedBy(graph, user);
          for (const other of followed) {
            for (let at = offsets[other]; at < offsets[other + 1]; at++) scores[items[at]] += values[at];
          }
          const scale = followed.length === 0 ? 0 : 1 / Math.sqrt(followed.length);
          // Counts are whole numbers, so equal ones stay equal whatever the order they were added up in.
          for (let item = 0; item < scores.length; item++) scores[item] *= scale;
        });
      },
      addItems(added) {
        numItems += added.rows;
      },
      addUsers(added, { graph: grown }) {
        const graph = grown ?? growGraph(system.graph, added.rows);
        checkUsers(graph, counts.rows.length + added.rows);
        counts.addUsers(added.rows);
        system.graph = graph;
        trained = { ...trained, graph }; // who joins hears of others at once; what they have met is known from the next training on
      },
    };
    return system;
  };
}
