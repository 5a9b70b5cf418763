import { tf } from '@codebeam/backend';
import { flattenParams, mapParams, type Params } from './params.js';

/** A tensor as safetensors files hold it. */
export interface StoredTensor {
  dtype: string;
  shape: readonly number[];
  data: unknown;
}

const dtypes: Record<string, string | undefined> = { float32: 'F32', int32: 'I32' };

/**
 * Parameters with the values of stored tensors.
 *
 * @param path      what to call the file in errors
 * @param expected  parameters of the names and shapes that the file must have; only looked at
 * @throws RangeError naming the first tensor that is missing, of another shape or not expected
 */
export function restoreParams<P extends Params>(
  path: string,
  found: Readonly<Record<string, StoredTensor>>,
  expected: P,
): P {
  const names = flattenParams(expected);
  const describe = (tensor?: Omit<StoredTensor, 'data'>) => (tensor ? `${tensor.dtype} [${tensor.shape}]` : 'none');
  for (const name of new Set([...Object.keys(names), ...Object.keys(found)])) {
    const want = describe(names[name] && { dtype: dtypes[names[name].dtype] ?? '', shape: names[name].shape });
    const got = describe(found[name]);
    if (got === want) continue;
    throw new RangeError(`nn: tensor ${name} of ${path} must be ${want}, got ${got}; use the config it was made with`);
  }
  return mapParams(expected, (_, name) => restoreTensor(found[name]));
}

/** @param stored  F32 or I32 */
export function restoreTensor({ dtype, shape, data }: StoredTensor): tf.Tensor {
  return tf.tensor(data as Float32Array | Int32Array, [...shape], dtype === 'I32' ? 'int32' : 'float32');
}
