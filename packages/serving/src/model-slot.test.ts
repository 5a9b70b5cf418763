import { describe, expect, it } from 'vitest';
import { createBatcher } from './batch-requests.js';
import { createCatalogue } from './catalogue.js';
import type { Model } from './model.js';
import { createModelSlot } from './model-slot.js';

const batching = { maxBatch: 4, maxWaitMs: 1, maxQueue: 6 };

describe('a batcher', () => {
  it('asks once for all that come at about the same time, up to its size, and one batch after the other', async () => {
    const batches: number[][] = [];
    let running = 0;
    const { ask } = createBatcher(async (requests: readonly number[]) => {
      expect(++running).toBe(1);
      batches.push([...requests]);
      await new Promise((resolve) => setTimeout(resolve, 5));
      running--;
      return requests.map((request) => request * 10);
    }, batching);
    const first = [1, 2, 3, 4, 5].map(ask);
    await Promise.resolve();
    expect(await Promise.all(first)).toEqual([10, 20, 30, 40, 50]);
    expect(batches).toEqual([[1, 2, 3, 4], [5]]);
    expect(await ask(6)).toBe(60);
  });

  it('fails those alone who were in the batch that failed', async () => {
    const { ask } = createBatcher(
      async ([request]: readonly number[]) => {
        if (request === 1) throw new Error('no');
        return [request];
      },
      { ...batching, maxBatch: 1 },
    );
    const [bad, good] = await Promise.allSettled([ask(1), ask(2)]);
    expect([bad.status, good]).toEqual(['rejected', { status: 'fulfilled', value: 2 }]);
  });

  it('turns away what it cannot hold', async () => {
    const batcher = createBatcher(async (requests: readonly number[]) => requests, { ...batching, maxBatch: 100 });
    const asked = [1, 2, 3, 4, 5, 6, 7].map((request) => batcher.ask(request));
    await expect(asked[6]).rejects.toThrow('6 requests are waiting');
    expect(await Promise.all(asked.slice(0, 6))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(batcher.pending).toBe(0);
  });
});

/** Models that say which one they are, and whether they have been closed. */
function createModels() {
  const log: string[] = [];
  let count = 0;
  const source = async (checkpoint = 'first'): Promise<Model> => {
    if (checkpoint === 'broken') throw new Error('broken does not load');
    const number = ++count;
    log.push(`load ${checkpoint}`);
    return {
      about: { kind: 'test', parameters: {}, numItems: 1, knowsUsers: false, checkpoint },
      catalogue: createCatalogue([{ id: 'a' }]),
      recommend: async (requests) => requests.map(() => ({ items: Int32Array.of(number), scores: Float32Array.of(0) })),
      close: async () => void log.push(`close ${checkpoint}`),
    };
  };
  return { log, source };
}

describe('a model in its slot', () => {
  it('is replaced while the old one is in use, which is closed when two newer ones have come and it is done', async () => {
    const { log, source } = createModels();
    const slot = await createModelSlot('m', source, batching);
    let finish = () => {};
    const slow = slot.use(async ({ number }) => {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return number;
    });
    await slot.reload('second');
    await slot.reload('third');
    expect([slot.current.number, slot.previous?.number]).toEqual([3, 2]);
    expect(log).toEqual(['load first', 'load second', 'load third']);
    finish();
    expect(await slow).toBe(1);
    expect(log.at(-1)).toBe('close first');
    await slot.close();
    expect(log.filter((line) => line.startsWith('close')).sort()).toEqual([
      'close first',
      'close second',
      'close third',
    ]);
  });

  it('stays when another does not load, and goes back to the one before', async () => {
    const { source, log } = createModels();
    const slot = await createModelSlot('m', source, batching);
    expect(() => slot.rollBack()).toThrow('m must have been reloaded');
    await expect(slot.reload('broken')).rejects.toThrow('broken does not load');
    expect(slot.current.number).toBe(1);
    await slot.reload('second');
    expect(slot.rollBack().model.about.checkpoint).toBe('first');
    expect(slot.rollBack().model.about.checkpoint).toBe('second');
    expect(log).toEqual(['load first', 'load second']);
  });

  it('loads one after another what is asked for at once', async () => {
    const { source } = createModels();
    const slot = await createModelSlot('m', source, batching);
    await Promise.all(['a', 'b', 'c'].map((name) => slot.reload(name)));
    expect([slot.current, slot.previous].map((version) => version?.model.about.checkpoint)).toEqual(['c', 'b']);
  });
});
