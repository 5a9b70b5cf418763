import { readFileSync } from 'node:fs';
import { selectBackend, tf } from '@codebeam/backend';
import { flattenParams, mapParams } from '@codebeam/nn';
import { forward, type Tiger, tigerLoss, tigerSchema } from '@codebeam/tiger';
import { describe, expect, it } from 'vitest';
import { backends } from '../../../packages/backend/fixtures/backends.js';

type Golden = { shape: number[]; values: number[]; gradient: number[] };
type Tree<T> = T | Tree<T>[] | { [name: string]: Tree<T> };
const golden = JSON.parse(readFileSync(new URL('t5.json', import.meta.url), 'utf8'));

const isLeaf = (node: object): node is Golden => 'values' in node;
function map<T>(node: Tree<Golden>, f: (leaf: Golden) => T): Tree<T> {
  if (Array.isArray(node)) return node.map((child) => map(child, f));
  if (isLeaf(node)) return f(node);
  return Object.fromEntries(Object.entries(node).map(([name, child]) => [name, map(child, f)]));
}

const { config: theirs } = golden;
const config = tigerSchema.parse({
  modelWidth: theirs.d_model,
  encoderLayers: theirs.num_layers,
  decoderLayers: theirs.num_decoder_layers,
  heads: theirs.num_heads,
  headWidth: theirs.d_kv,
  feedForwardWidth: theirs.d_ff,
  positionBuckets: theirs.relative_attention_num_buckets,
  maxDistance: theirs.relative_attention_max_distance,
});
const rows = golden.history.map((row: number[]) => row.filter((token) => token !== 0)) as number[][];
const histories = {
  tokens: Int32Array.from(rows.flat()),
  offsets: Int32Array.from([0, ...rows.map((_, b) => rows.slice(0, b + 1).flat().length)]),
};
const targets = Int32Array.from(golden.target);

describe.each(backends)('TIGER against a T5 of Hugging Face transformers, on %s', (backend) => {
  it('gives the same logits, loss and gradients', async () => {
    await selectBackend(backend);
    const params = map(golden.params, ({ values, shape }) => tf.tensor(values, shape)) as unknown as Tiger;
    const scale = Math.sqrt(config.modelWidth); // ours is held at D^-0.5 of T5's embedding
    params.embedding = tf.div(params.embedding, scale);
    const logits = await forward(params, histories, targets, config).data();
    for (const [i, expected] of (golden.logits as number[]).entries()) expect(logits[i]).toBeCloseTo(expected, 4);

    const flat = flattenParams(params);
    const expected = flattenParams(
      map(golden.params, ({ gradient, shape }) => tf.tensor(gradient, shape)) as unknown as Tiger,
    );
    expected.embedding = tf.mul(expected.embedding, scale);
    const names = Object.keys(flat);
    const { value, grads } = tf.valueAndGrads((...tensors: tf.Tensor[]) => {
      const byName = Object.fromEntries(names.map((name, i) => [name, tensors[i]]));
      return tigerLoss(
        mapParams(params, (_, name) => byName[name]),
        histories,
        targets,
        config,
      );
    })(Object.values(flat));
    expect((await value.data())[0]).toBeCloseTo(golden.loss, 5);
    for (const [i, name] of names.entries()) {
      const difference = (await tf.max(tf.abs(tf.sub(grads[i], expected[name]))).data())[0];
      expect(difference, name).toBeLessThan(2e-5);
    }
  });
});
