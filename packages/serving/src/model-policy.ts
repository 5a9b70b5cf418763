import type { Policy, Turn } from '@codebeam/simulation';
import type { ListRequest } from './answer-requests.js';
import type { ModelSlot } from './model-slot.js';

/**
 * Plays what a model recommends after the session so far, and never a track of that session twice before all have been played. The
 * model may be reloaded meanwhile.
 */
export function modelPolicy(slot: ModelSlot): Policy {
  const next = ({ session, track, user }: Turn) =>
    slot.use(async ({ model, batcher }) => {
      const { catalogue } = model;
      const history = Int32Array.from(session.flatMap((played) => catalogue.itemOfTrack(played) ?? []));
      const request: ListRequest = { history, user: String(user), k: 1 };
      for (const keepHistory of [false, true]) {
        const answer = await batcher.ask({ ...request, keepHistory });
        if ('items' in answer && answer.items.length > 0) return { track: catalogue.trackOf(answer.items[0]) };
      }
      return { track };
    });
  return { name: slot.name, next: (turns) => Promise.all(turns.map(next)) };
}
