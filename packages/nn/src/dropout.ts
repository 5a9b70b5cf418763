import { dropout, type tf } from '@codebeam/backend';
import { foldIn, type Key } from '@codebeam/random';

/** Applies dropout in training and nothing in inference. */
export type Dropout = <T extends tf.Tensor>(x: T) => T;

/** One forward pass of dropout: each call uses its own stream, numbered by the order of the calls. */
export function createDropout(rate: number, key: Key): Dropout {
  let site = 0;
  return (x) => dropout(x, rate, foldIn(key, site++));
}

export const noDropout: Dropout = (x) => x;
