import { tf } from '@codebeam/backend';
import { createGenerator, type Key } from '@codebeam/random';

/** A tensor of normal deviates with mean 0 and the given standard deviation, a pure function of the key. */
export function normal<R extends tf.Rank>(key: Key, shape: tf.ShapeMap[R], standardDeviation: number): tf.Tensor<R> {
  const generator = createGenerator(key);
  const values = Float32Array.from(
    { length: tf.util.sizeFromShape(shape) },
    () => standardDeviation * generator.normal(),
  );
  return tf.tensor(values, shape);
}
