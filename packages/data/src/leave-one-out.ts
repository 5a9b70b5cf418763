import { type Sequences, sequenceOf } from './interactions.js';
import { type SealedTest, sealTest } from './sealed-test.js';

/** One question to a recommender: given this history, rank `target` high. */
export interface EvaluationCase {
  user: number;
  /** Everything that the user met before the target, oldest first, not truncated. A view into the sequences. */
  history: Int32Array;
  target: number;
  /** What each item of the history was rated, for models that ask. */
  ratings?: Float32Array;
}

export interface LeaveOneOut {
  /** Each user's items but the last two. Dropped users keep an empty row, so user ids stay valid. */
  train: Sequences;
  /** Target: the last item but one. History: the train part. */
  validation: EvaluationCase[];
  /** Target: the last item. History: the train part and the validation item. */
  test: SealedTest<EvaluationCase[]>;
  /** Users with fewer than three items: there is nothing to train on, so they take no part. */
  droppedUsers: number;
}

const heldOut = 2;

/**
 * Leave-one-out: each user's last item is for test, the last but one for validation, the rest for training.
 * Model selection sees validation only, hence the seal on the test part.
 *
 * This is the home of the sequence protocol: it says what each held-out item is to be predicted from, and drops users
 * who cannot take part. As rows, its test part is that of the split `temporal-leave-k-out` with k 1, in which users of
 * one or two rows take part too.
 *
 * @throws Error when no user has three items
 */
export function leaveOneOut(sequences: Sequences): LeaveOneOut {
  const numUsers = sequences.offsets.length - 1;
  const offsets = new Int32Array(numUsers + 1);
  const kept: number[] = [];
  for (let user = 0; user < numUsers; user++) {
    const length = sequences.offsets[user + 1] - sequences.offsets[user];
    offsets[user + 1] = offsets[user] + Math.max(0, length - heldOut);
    if (length > heldOut) kept.push(user);
  }
  if (kept.length === 0) {
    throw new Error(
      `data: leave-one-out must find a user with at least 3 interactions, got none among ${numUsers}; ` +
        'each user needs one item for training, one for validation and one for test',
    );
  }
  const items = new Int32Array(offsets[numUsers]);
  for (const user of kept) items.set(sequenceOf(sequences, user).subarray(0, -heldOut), offsets[user]);

  const casesAt = (fromEnd: number): EvaluationCase[] =>
    kept.map((user) => {
      const sequence = sequenceOf(sequences, user);
      return { user, history: sequence.subarray(0, -fromEnd), target: sequence[sequence.length - fromEnd] };
    });
  return {
    train: { offsets, items },
    validation: casesAt(2),
    test: sealTest(kept.length, () => casesAt(1)),
    droppedUsers: numUsers - kept.length,
  };
}
