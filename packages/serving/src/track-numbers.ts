import type { Catalogue } from './catalogue.js';

/** Tracks of sessions, which are whole numbers, as items of models. */
export interface TrackNumbers {
  /** What the numbers stand for, where that is not for good: what was kept of a user under another numbering says nothing. */
  readonly numbering: string | undefined;
  /** The dense id of a track in a model's catalogue. */
  itemOf(track: number, catalogue: Catalogue): number | undefined;
  trackOf(item: number, catalogue: Catalogue): number | undefined;
}

/**
 * Numbers tracks by the ids of items where those of the first model are all whole numbers, as in logs of the simulator, else by their
 * place in its catalogue.
 *
 * @param first  that catalogue, which may be replaced
 */
export function numberTracks(first: () => Catalogue): TrackNumbers {
  return {
    get numbering() {
      return first().isNumbered ? undefined : first().digest;
    },
    itemOf(track, catalogue) {
      const id = first().isNumbered ? String(track) : first().items[track]?.id;
      return id === undefined ? undefined : catalogue.find(id);
    },
    trackOf(item, catalogue) {
      const { id } = catalogue.items[item];
      if (!first().isNumbered) return first().find(id);
      return catalogue.isNumbered ? Number(id) : undefined;
    },
  };
}
