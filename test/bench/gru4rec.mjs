// Training steps of GRU4Rec, layers [100], 2,048 samples, on sessions of 2 to 8 events over --items items whose popularity falls with
// their rank: the median events per second of five times --steps steps, after 20 to warm up.
import { packSequences } from '@codebeam/data';
import { createGenerator, createKey, foldIn } from '@codebeam/random';
import { gru4recLoss, gru4recSchema, gru4recSteps, gru4recTrainingSchema, initGru4rec } from '@codebeam/recommenders';
import { adagrad, fit } from '@codebeam/trainers';
import { median } from './beauty.mjs';

const warmUp = 20;
const passes = 5;

export async function run({ items = '40000', batch, loss, steps = '40' }) {
  const [numItems, batchSize, stepsOfPass] = [items, batch, steps].map(Number);
  const config = gru4recSchema.parse({ loss });
  const sequences = drawSessions(numItems);
  const key = createKey(1, 'shuffle');
  const rates = [];
  let events = 0;
  let start = 0;
  await fit({
    start: { params: initGru4rec(config, numItems, batchSize, 1) },
    batches: (epoch) => gru4recSteps(sequences, numItems, { ...config, batchSize, key: foldIn(key, epoch) }),
    loss: (params, step, { key }) => {
      events += step.from.length;
      return gru4recLoss(params, step, config, key);
    },
    rows: ({ rows }) => rows,
    trainable: (name) => !name.startsWith('carried.'),
    optimizer: adagrad({ ...gru4recTrainingSchema.parse({}), initialSquares: 1e-6, epsilon: 0 }),
    maxSteps: warmUp + passes * stepsOfPass,
    seed: 1,
    callbacks: [
      ({ kind, state, loss }) => {
        if (kind !== 'step' || state.step < warmUp || (state.step - warmUp) % stepsOfPass !== 0) return;
        const now = performance.now();
        if (state.step > warmUp) {
          rates.push((1000 * events) / (now - start));
          console.log(`step ${state.step}: ${rates.at(-1).toFixed(0)} events/s, loss ${loss.toFixed(3)}`);
        }
        [events, start] = [0, now];
      },
    ],
  });
  return { eventsPerSecond: median(rates), items: numItems, batch: batchSize, model: loss };
}

function drawSessions(numItems) {
  const { uniform, integer } = createGenerator(createKey(1, 'sample'));
  const drawItem = () => Math.floor(numItems * uniform() ** 3);
  return packSequences(Array.from({ length: 20_000 }, () => Int32Array.from({ length: 2 + integer(7) }, drawItem)));
}
