import type { Key } from '@codebeam/random';

/** What random numbers of a simulation are for: streams that do not meet. */
export const streams = [
  'model',
  'users',
  'creators',
  'present',
  'interleave',
  'choose',
  'update',
  'measure',
  'addUsers',
] as const;

/** The key of a stream in a step. */
export type KeyOf = (stream: (typeof streams)[number], step: number) => Key;
