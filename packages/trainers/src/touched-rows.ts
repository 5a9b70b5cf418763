import { tf, updateRows } from '@codebeam/backend';
import type { NamedTensors } from './optimizer.js';

/**
 * Rows of tables, taken out for a step and put back after it: an embedding of a million items has a few thousand in a batch.
 *
 * @param rows  by flat name of the table; what is not named is taken and put back whole
 */
export function touchedRows(rows: { readonly [name: string]: Int32Array }) {
  const indices = new Map(Object.entries(rows).map(([name, own]) => [name, tf.tensor1d(own, 'int32')]));
  const tableOf = (moment: string) => moment.slice(moment.indexOf('.') + 1); // `<moment>.<parameter>`

  function take(tensor: tf.Tensor, name: string): tf.Tensor {
    const own = indices.get(name);
    return own ? tf.gather(tensor, own) : tensor;
  }
  function put(whole: tf.Tensor, changed: tf.Tensor, name: string): tf.Tensor {
    const own = indices.get(name);
    return own ? updateRows(whole, own, changed) : changed;
  }
  const takeAll = (tensors: NamedTensors, table = (name: string) => name): NamedTensors =>
    Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, take(tensor, table(name))]));
  const putAll = (wholes: NamedTensors, changed: NamedTensors, table = (name: string) => name): NamedTensors =>
    Object.fromEntries(Object.entries(changed).map(([name, tensor]) => [name, put(wholes[name], tensor, table(name))]));

  return {
    take,
    put: (wholes: NamedTensors, changed: NamedTensors) => putAll(wholes, changed),
    takeMoments: (moments: NamedTensors) => takeAll(moments, tableOf),
    putMoments: (wholes: NamedTensors, changed: NamedTensors) => putAll(wholes, changed, tableOf),
  };
}
