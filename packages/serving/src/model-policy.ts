import type { Policy, Turn } from '@codebeam/simulation';
import type { ListRequest } from './answer-requests.js';
import type { ModelSlot } from './model-slot.js';
import type { TrackNumbers } from './track-numbers.js';

/**
 * Plays what a model recommends after the session so far, and never a track of that session twice before all have been played. The
 * model may be reloaded meanwhile.
 */
export function modelPolicy(slot: ModelSlot, tracks: TrackNumbers): Policy {
  const next = ({ session, track, user }: Turn) =>
    slot.use(async ({ model, batcher }) => {
      const { catalogue } = model;
      const history = Int32Array.from(session.flatMap((played) => tracks.itemOf(played, catalogue) ?? []));
      const request: ListRequest = { history, user: String(user), k: 1 };
      for (const keepHistory of [false, true]) {
        const answer = await batcher.ask({ ...request, keepHistory });
        if (!('items' in answer) || answer.items.length === 0) continue;
        return { track: tracks.trackOf(answer.items[0], catalogue) ?? track };
      }
      return { track };
    });
  return { name: slot.name, next: (turns) => Promise.all(turns.map(next)) };
}
