import { tf } from '@codebeam/backend';

/** A model's parameters: a plain tree of tensors. Names are dot-joined paths, as in PyTorch: `encoder.blocks.0.norm`. */
export type Params = tf.Tensor | readonly Params[] | { readonly [name: string]: Params };

/**
 * The tree as a record of name -> tensor, in the order of the tree.
 *
 * @throws TypeError when a leaf is not a tensor
 */
export function flattenParams(params: Params): Record<string, tf.Tensor> {
  const flat: Record<string, tf.Tensor> = {};
  mapParams(params, (tensor, name) => {
    flat[name] = tensor;
    return tensor;
  });
  return flat;
}

/** The tree that {@link flattenParams} made a record of: a node whose children are numbered is a list. */
export function unflattenParams(flat: Readonly<Record<string, tf.Tensor>>): Params {
  type Node = tf.Tensor | { [name: string]: Node };
  const root: { [name: string]: Node } = {};
  for (const [path, tensor] of Object.entries(flat)) {
    const names = path.split('.');
    let node = root;
    for (const name of names.slice(0, -1)) {
      node[name] ??= {};
      node = node[name] as { [name: string]: Node };
    }
    node[names[names.length - 1]] = tensor;
  }
  const listed = (node: Node): Params => {
    if (node instanceof tf.Tensor) return node;
    const isList = Object.keys(node).every((key, place) => key === String(place));
    const children = Object.entries(node).map(([key, child]) => [key, listed(child)] as const);
    return isList ? children.map(([, child]) => child) : Object.fromEntries(children);
  };
  return listed(root);
}

/** A tree of the same shape with each tensor replaced by `f(tensor, name)`. */
export function mapParams<P extends Params>(params: P, f: (tensor: tf.Tensor, name: string) => tf.Tensor): P {
  const map = (node: Params, name: string): Params => {
    if (node instanceof tf.Tensor) return f(node, name);
    const child = (key: string | number) => (name === '' ? String(key) : `${name}.${key}`);
    if (Array.isArray(node)) return node.map((value, i) => map(value, child(i)));
    if (typeof node !== 'object' || node === null) {
      throw new TypeError(
        `nn: parameter ${name} must be a tensor, got ${node}; leave absent parameters out of the tree`,
      );
    }
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, map(value as Params, child(key))]));
  };
  return map(params, '') as P;
}

export function disposeParams(params: Params): void {
  mapParams(params, (tensor) => {
    tensor.dispose();
    return tensor;
  });
}

/** The number of scalars in all tensors. */
export function countParams(params: Params): number {
  return Object.values(flattenParams(params)).reduce((sum, tensor) => sum + tensor.size, 0);
}
