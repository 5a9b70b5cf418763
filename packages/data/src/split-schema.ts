import * as z from 'zod';

const ratio = z.number().gt(0).lt(1).describe('share of the rows that is held out');
const leaveKOut = {
  k: z.int().min(1).default(1).describe('rows of each user that are held out'),
  shortUsers: z
    .enum(['train', 'drop'])
    .default('train')
    .describe('where users of no more than k rows go: whole into train, or (as in WarpRec) into no part'),
};

const temporalHoldout = z
  .strictObject({ type: z.literal('temporal-holdout'), ratio })
  .describe("each user's latest rows: train has the first floor(n (1 - ratio)), and one at least");
const randomHoldout = z.strictObject({
  type: z.literal('random-holdout'),
  ratio,
  of: z.enum(['all', 'user']).default('all').describe('drawn from all rows together, or from those of each user'),
});
const temporalLeaveKOut = z
  .strictObject({ type: z.literal('temporal-leave-k-out'), ...leaveKOut })
  .describe("each user's last k rows");
const randomLeaveKOut = z
  .strictObject({ type: z.literal('random-leave-k-out'), ...leaveKOut })
  .describe('k rows of each user, drawn');
const timestamp = z
  .strictObject({
    type: z.literal('timestamp'),
    at: z
      .union([z.number(), z.literal('best')])
      .describe('unix seconds; best: the latest time with the most users on both sides of it'),
  })
  .describe('all rows from a time on');
const lastDays = z
  .strictObject({
    type: z.literal('last-days'),
    days: z.number().positive(),
    by: z.enum(['start', 'end']).default('start').describe('which end of a session must lie in the last days'),
  })
  .describe(
    'sessions (users) of the last days, counted from the latest row. By start, train has all rows before these days, so that what goes on into them is cut; by end, it has all other sessions',
  );

const latestSessions = z
  .strictObject({ type: z.literal('latest-sessions'), ratio })
  .describe('sessions (users) by their last row: the newest floor(ratio n)');

const unseen = z
  .enum(['keep', 'drop-items', 'drop'])
  .describe('held-out rows whose item (drop: or user) is not in train: keep them or not');
const validation = z
  .discriminatedUnion('type', [
    temporalHoldout,
    randomHoldout,
    temporalLeaveKOut,
    randomLeaveKOut,
    timestamp,
    lastDays,
    latestSessions,
    z
      .strictObject({ type: z.literal('k-fold'), folds: z.int().min(2) })
      .describe("each user's rows go to the folds in turn, in the order of the file"),
  ])
  .optional()
  .describe('holds out again, of what the test part left');
const options = { unseen: unseen.default('keep'), validation };
const sessionOptions = { unseen: unseen.default('drop-items') };

/**
 * How to divide interactions into train, validation and test. `temporal-holdout` to `timestamp` are WarpRec's;
 * RecBole's `RS` is `ratios` (order TO is `time` and RO `random`; group_by none is `all`), and its `LS: valid_and_test`
 * is `temporal-leave-k-out` with k 1 whose validation is the same again; `last-days` is GRU4Rec's preprocessing, with 1
 * day and `end` for RSC15.
 */
export const splitSchema = z.discriminatedUnion('type', [
  temporalHoldout.extend(options),
  randomHoldout.extend(options),
  temporalLeaveKOut.extend(options),
  randomLeaveKOut.extend(options),
  timestamp.extend(options),
  lastDays.extend({ ...options, ...sessionOptions }),
  z
    .strictObject({ type: z.literal('given'), ...options })
    .describe('the parts that the data come in; validation is for those that bring none'),
  z
    .strictObject({
      type: z.literal('ratios'),
      ratios: z
        .tuple([z.number().positive(), z.number().min(0), z.number().min(0)])
        .describe('train, validation, test'),
      order: z.enum(['time', 'random']).default('time'),
      of: z
        .enum(['all', 'user'])
        .default('user')
        .describe('whether all rows are divided together or those of each user'),
      unseen: unseen.default('keep'),
    })
    .describe('later parts have floor(ratio n) rows, or 1 where that is less and train keeps one'),
  z
    .strictObject({
      type: z.literal('session-ratio'),
      validation: z.number().min(0).lt(1).default(0.1),
      test: z.number().gt(0).lt(1).default(0.1),
      ...sessionOptions,
    })
    .describe('sessions (users) by their last row: the newest floor(ratio n) for test, those before for validation'),
]);
export type Split = z.output<typeof splitSchema>;
/** What `unseen` may be. */
export type Unseen = Split['unseen'];
/** How to divide rows in two. */
export type Holdout = Exclude<NonNullable<z.output<typeof validation>>, { type: 'k-fold' }>;
