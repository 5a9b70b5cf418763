import { type DropoutDraw, dropout, type tf } from '@codebeam/backend';
import { foldIn, type Key } from '@codebeam/random';

/** Applies dropout in training and nothing in inference. */
export interface Dropout {
  <T extends tf.Tensor>(x: T): T;
  /** For ops that drop within: the rate and a stream of its own; undefined in inference. */
  draw(): DropoutDraw | undefined;
}

/** One forward pass of dropout: each use has its own stream, numbered by the order of the uses. */
export function createDropout(rate: number, key: Key): Dropout {
  let site = 0;
  const draw = () => ({ rate, key: foldIn(key, site++) });
  return Object.assign(<T extends tf.Tensor>(x: T) => dropout(x, rate, draw().key), { draw });
}

export const noDropout: Dropout = Object.assign(<T extends tf.Tensor>(x: T) => x, { draw: () => undefined });
