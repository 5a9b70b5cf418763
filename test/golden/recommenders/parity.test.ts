import { readFileSync } from 'node:fs';
import { selectBackend, tf, unitRows } from '@codebeam/backend';
import { packSequences } from '@codebeam/data';
import { type Activation, type BatchNorm, flattenParams, mapParams, type Params } from '@codebeam/nn';
import {
  type Core,
  coreSchema,
  encodeSessions,
  type Gru4rec,
  gru4recLoss,
  gru4recSchema,
  type Neumf,
  neumfForward,
  neumfLoss,
  neumfSchema,
  pairsOf,
  type Sasrec,
  type SasrecConfig,
  sasrecForward,
  sasrecLoss,
  sasrecSchema,
} from '@codebeam/recommenders';
import { describe, expect, it } from 'vitest';
import { backends } from '../../../packages/backend/fixtures/backends.js';

type Golden = { shape: number[]; values: number[] };
type Tree = Golden | Tree[] | { [name: string]: Tree };

const read = (name: string) => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));
const isGolden = (node: Tree): node is Golden => !Array.isArray(node) && 'values' in node;
function tensors<P extends Params>(node: Tree): P {
  if (Array.isArray(node)) return node.map((child) => tensors(child)) as unknown as P;
  if (isGolden(node)) return tf.tensor(node.values, node.shape) as unknown as P;
  return Object.fromEntries(Object.entries(node).map(([name, child]) => [name, tensors(child)])) as unknown as P;
}
function expectEqual(found: tf.Tensor, { shape, values }: Golden): void {
  expect(found.shape).toEqual(shape);
  const worst = Math.max(
    ...Array.from(found.dataSync(), (x, i) => Math.abs(x - values[i]) / Math.max(1, Math.abs(values[i]))),
  );
  expect(worst).toBeLessThan(1e-5);
}

/** A golden tree by flat name. */
function leaves(node: Tree, path: readonly string[] = []): [string, Golden][] {
  if (isGolden(node)) return [[path.join('.'), node]];
  return Object.entries(node).flatMap(([name, child]) => leaves(child, [...path, name]));
}
/** Compares the gradient of a loss by every parameter. */
function expectGradients<P extends Params>(params: P, golden: Tree, loss: (params: P) => tf.Scalar): void {
  const expected = leaves(golden);
  const flat = flattenParams(params);
  const { grads } = tf.valueAndGrads((...moved: tf.Tensor[]) => {
    const byName = new Map(expected.map(([name], i) => [name, moved[i]]));
    return loss(mapParams(params, (tensor, name) => byName.get(name) ?? tensor));
  })(expected.map(([name]) => flat[name]));
  for (const [i, [, values]] of expected.entries()) expectEqual(grads[i], values);
}

describe.each(backends)('the same tensors as PyTorch, on %s', (backend) => {
  const { steps, ...step } = read('gru4rec.json');
  it.each(steps as { formula: string; loss: string }[])('one step of GRU4Rec: $formula, $loss', async (one) => {
    await selectBackend(backend);
    const golden = one as unknown as Record<'params' | 'gradients', Tree> & {
      carried: Golden[];
      states: Golden[];
      value: number;
    };
    const config = gru4recSchema.parse({
      layers: [5, 4],
      loss: one.loss,
      constrainedEmbedding: one.formula === 'torch',
    });
    const params = tensors<Gru4rec>(golden.params);
    const carried = tensors<tf.Tensor2D[]>(golden.carried);
    const batch = {
      from: Int32Array.from(step.from as number[]),
      inputs: Int32Array.from(step.inputs as number[]),
      outputs: Int32Array.from([...step.targets, ...step.samples] as number[]),
      rows: {},
    };
    const { loss, updates = {} } = gru4recLoss({ ...params, carried }, batch, config);
    expectEqual(loss, { shape: [], values: [golden.value] });
    for (const [layer, state] of golden.states.entries()) expectEqual(updates[`carried.${layer}`], state);

    expectGradients(params, golden.gradients, (moved) => gru4recLoss({ ...moved, carried }, batch, config).loss);
  });

  const { steps: neumfSteps, ...contrasts } = read('neumf.json');
  it.each(neumfSteps as { activation: Activation; batchNorm: boolean }[])(
    'one step of NeuMF: $activation, batch norm $batchNorm',
    async ({ activation, batchNorm, ...one }) => {
      await selectBackend(backend);
      const golden = one as unknown as Record<'params' | 'gradients' | 'before' | 'after', Tree> & {
        scores: Golden;
        value: number;
      };
      const config = neumfSchema.parse({ gmfWidth: 3, mlpWidth: 4, layers: [5, 3], activation, batchNorm });
      const params = tensors<Neumf>(golden.params);
      const averages = tensors<Pick<BatchNorm, 'runningMean' | 'runningVariance'>[]>(golden.before);
      for (const [i, layer] of params.mlp!.layers.entries()) if (layer.norm) Object.assign(layer.norm, averages[i]);
      const [users, met, unmet] = ['users', 'met', 'unmet'].map((name) => Int32Array.from(contrasts[name] as number[]));
      const batch = { users, met, unmet };

      const { whose, items } = pairsOf(batch);
      const lookUp = (rows: Int32Array) => (table: tf.Tensor2D) => tf.gather(table, tf.tensor1d(rows, 'int32'));
      expectEqual(neumfForward(params, lookUp(whose), lookUp(items), config).scores, golden.scores);
      const { loss, updates = {} } = neumfLoss(params, batch, config);
      expectEqual(loss, { shape: [], values: [golden.value] });
      expectGradients(params, golden.gradients, (moved) => neumfLoss(moved, batch, config).loss);
      const after = batchNorm ? leaves(golden.after) : [];
      expect(Object.keys(updates)).toHaveLength(after.length);
      for (const [name, values] of after) {
        const [layer, average] = name.split('.');
        expectEqual(updates[`mlp.layers.${layer}.norm.${average}`], values);
      }
    },
  );

  it.each(['trm', 'ave'] as const)('the logits of CORE-%s', async (encoder) => {
    await selectBackend(backend);
    const golden = read('core.json');
    const config = coreSchema.parse({ encoder, modelWidth: 6, heads: 2, feedForwardWidth: 10, maxHistory: 5 });
    const { items, transformer } = tensors<Core>(golden.params);
    const params = encoder === 'trm' ? { items, transformer } : { items };
    const encoded = encodeSessions(params as Core, sessionsOf(golden), config);
    expectEqual(tf.div(tf.matMul(encoded, unitRows(items), false, true), config.temperature), golden[encoder]);
  });

  it('the outputs of SASRec', async () => {
    await selectBackend(backend);
    const golden = read('sasrec.json');
    const config = sasrecSchema.parse({ modelWidth: 6, heads: 2, maxHistory: 5 });
    expectEqual(sasrecForward(tensors<Sasrec>(golden.params), sessionsOf(golden), config), golden.outputs);
  });

  const { losses, ...sasrec } = read('sasrec.json');
  type SasrecLoss = { loss: SasrecConfig['loss']; count: number; corrected: boolean };
  it.each(losses as SasrecLoss[])(
    'the loss of SASRec: $loss, $count negatives, corrected: $corrected',
    async ({ loss, count, corrected, ...one }) => {
      await selectBackend(backend);
      const golden = one as unknown as { negatives: number[]; value: number; gradients: Tree };
      const config = sasrecSchema.parse({ modelWidth: 6, heads: 2, maxHistory: 5, loss });
      const correct = (items: number[]) => Float32Array.from(items, (item) => sasrec.corrections[item]);
      const samples = {
        count,
        negatives: Int32Array.from(golden.negatives),
        ...(corrected && { corrections: { targets: correct(sasrec.targets), negatives: correct(golden.negatives) } }),
      };
      const at = (params: Sasrec) =>
        sasrecLoss(
          params,
          sessionsOf(sasrec),
          Int32Array.from(sasrec.targets as number[]),
          config,
          undefined,
          loss === 'cross-entropy' ? undefined : samples,
        );
      const params = tensors<Sasrec>(sasrec.params);
      expectEqual(at(params), { shape: [], values: [golden.value] });
      expectGradients(params, golden.gradients, at);
    },
  );
});

function sessionsOf({ sessions }: { sessions: number[][] }) {
  return packSequences(sessions.map((session) => Int32Array.from(session)));
}
