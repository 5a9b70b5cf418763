import type { Recommender } from '@codebeam/eval';
import { type Choice, completeChoices, type Policy, type Turn } from '../policy.js';
import { drawOne } from './catalogue-policies.js';
import { numbersOf } from './track-lists.js';

export interface RecommenderPolicyOptions {
  /** For turns of which the recommender lists nothing. */
  fallback: Policy;
  /** Tracks that are listed, of which one is drawn. Default 1: the best. */
  k?: number;
  /**
   * Track by the recommender's item, as text: its `itemIds` when it was fitted to some of the tracks only. Tracks that it does not
   * know are left out of what it is told. Without it items are tracks.
   */
  itemIds?: readonly string[] | undefined;
}

/** Any recommender, asked once for all turns with the tracks of each session, none of which it lists again. */
export function recommenderPolicy(
  recommender: Recommender,
  { fallback, k = 1, itemIds }: RecommenderPolicyOptions,
): Policy {
  const trackOf = itemIds && numbersOf(`${recommender.name}'s items`, itemIds);
  const itemOf = trackOf && new Map(Array.from(trackOf, (track, item) => [track, item]));
  const historyOf = ({ session }: Turn) =>
    Int32Array.from(itemOf ? session.flatMap((track) => itemOf.get(track) ?? []) : session);
  return {
    name: recommender.name,
    async next(turns) {
      const { items } = await recommender.recommend(turns.map(historyOf), k, {
        maskHistory: true,
        users: turns.map(({ user }) => String(user)),
      });
      const choices = turns.map(({ random }, row): Choice | undefined => {
        const listed = items.subarray(row * k, (row + 1) * k).filter((item) => item >= 0);
        if (listed.length === 0) return undefined;
        const item = listed.length === 1 ? listed[0] : drawOne(listed, random);
        return { track: trackOf ? trackOf[item] : item };
      });
      return completeChoices(turns, choices, fallback);
    },
  };
}
