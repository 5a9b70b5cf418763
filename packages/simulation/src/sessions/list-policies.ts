import { type Choice, choiceOfEach, type Policy, type Turn } from '../policy.js';
import { drawOne } from './catalogue-policies.js';

/** Tracks by user (or by track), best first. */
export type TrackLists = ReadonlyMap<number, ArrayLike<number>>;

/** Any track of the user's list, each as likely. */
export function indexedPolicy(lists: TrackLists, fallback: Policy): Policy {
  return listPolicy('indexed', lists, userOf, fallback, (list, { random }) => ({ track: drawOne(list, random) }));
}

/** The user's list from the top, going on where the user's last session left it, and from the top again after its end. */
export function indexedInOrderPolicy(lists: TrackLists, fallback: Policy): Policy {
  return listPolicy('indexed-in-order', lists, userOf, fallback, (list, turn) => inOrder(list, nextPlace(turn)));
}

const boredTime = 0.1;
const secondHalf = 50;

/**
 * As {@link indexedInOrderPolicy}, but from the top again when the user is bored in the second half of a list of 100: the last track
 * of the list was listened to for less than .1 of its time and its index, counted from 0, is above 50.
 */
export function restartWhenBoredPolicy(lists: TrackLists, fallback: Policy): Policy {
  return listPolicy('restart-when-bored', lists, userOf, fallback, (list, turn) => {
    const next = nextPlace(turn);
    return inOrder(list, turn.time < boredTime && next - 1 > secondHalf ? 0 : next);
  });
}

/** The track of the user's list that follows the last one played, after the end the first; the second when the last one is not in it. */
export function sequentialPolicy(lists: TrackLists, fallback: Policy): Policy {
  return listPolicy('sequential', lists, userOf, fallback, (list, { track }) => {
    const place = Math.max(0, Array.prototype.indexOf.call(list, track));
    return { track: list[(place + 1) % list.length] };
  });
}

/**
 * Any track of the list of the last track played, each as likely.
 *
 * @param lists  by track
 */
export function contextualPolicy(lists: TrackLists, fallback: Policy): Policy {
  const trackOf = ({ track }: Turn) => track;
  return listPolicy('contextual', lists, trackOf, fallback, (list, { random }) => ({ track: drawOne(list, random) }));
}

/** A policy for turns that have a list; the others are the fallback's. */
function listPolicy(
  name: string,
  lists: TrackLists,
  owner: (turn: Turn) => number,
  fallback: Policy,
  choose: (list: ArrayLike<number>, turn: Turn) => Choice,
): Policy {
  const listOf = (turn: Turn) => {
    const list = lists.get(owner(turn));
    return list && list.length > 0 ? list : undefined;
  };
  return choiceOfEach(
    name,
    (turn) => {
      const list = listOf(turn);
      return list && choose(list, turn);
    },
    fallback,
  );
}

const userOf = ({ user }: Turn) => user;

/** What is kept for a user is the place in the list that comes next, the list's length when that is its end. */
const nextPlace = ({ memory = 0 }: Turn) => memory;

function inOrder(list: ArrayLike<number>, next: number): Choice {
  const place = next < list.length ? next : 0;
  return { track: list[place], memory: place + 1 };
}
