import type { ListAnswer, ListRequest, Refusal } from './answer-requests.js';
import { type Batcher, type BatchOptions, createBatcher } from './batch-requests.js';
import type { Model } from './model.js';

/** Loads a model: at start, and again for each reload. The folder is the configured one where it is left out. */
export type ModelSource = (checkpoint?: string) => Model | Promise<Model>;

/** A model as it was loaded once. */
export interface ModelVersion {
  /** 1 for the first. */
  readonly number: number;
  readonly loadedAt: Date;
  readonly model: Model;
  readonly batcher: Batcher<ListRequest, ListAnswer | Refusal>;
}

/** The place of a model that can be replaced while it is in use. */
export interface ModelSlot {
  readonly name: string;
  readonly current: ModelVersion;
  /** The version that {@link rollBack} goes back to. It stays loaded, as its files may have been overwritten. */
  readonly previous: ModelVersion | undefined;
  /** Runs with the current version, which stays loaded until that is over, whatever comes meanwhile. */
  use<T>(run: (version: ModelVersion) => Promise<T>): Promise<T>;
  /**
   * Loads a checkpoint beside the current one and then takes its place; whoever is being answered is answered by the old one. The
   * version before the old one is closed once nobody uses it. When loading fails, everything stays as it was.
   */
  reload(checkpoint?: string): Promise<ModelVersion>;
  /**
   * Exchanges the current version with the previous one.
   *
   * @throws RangeError when there is no previous one
   */
  rollBack(): ModelVersion;
  close(): Promise<void>;
}

/**
 * @param onBatch  told of every call to the model: how many requests it answered and the seconds that it took
 */
export async function createModelSlot(
  name: string,
  source: ModelSource,
  batching: BatchOptions,
  onBatch: (size: number, seconds: number) => void = () => {},
): Promise<ModelSlot> {
  const users = new Map<ModelVersion, number>();
  let count = 0;

  async function load(checkpoint?: string): Promise<ModelVersion> {
    const model = await source(checkpoint);
    const batcher = createBatcher(async (requests: readonly ListRequest[]) => {
      const started = performance.now();
      try {
        return await model.recommend(requests);
      } finally {
        onBatch(requests.length, (performance.now() - started) / 1000);
      }
    }, batching);
    const version = { number: ++count, loadedAt: new Date(), model, batcher };
    users.set(version, 0);
    return version;
  }

  const retired = new Map<ModelVersion, Promise<void>>();
  function retire(version: ModelVersion | undefined): void {
    if (!version || version === current || version === previous || users.get(version) !== 0 || retired.has(version))
      return;
    users.delete(version);
    const closed = version.model.close().finally(() => retired.delete(version));
    retired.set(version, closed);
  }

  let current: ModelVersion = await load();
  let previous: ModelVersion | undefined;
  let lastReload: Promise<unknown> = Promise.resolve();

  return {
    name,
    get current() {
      return current;
    },
    get previous() {
      return previous;
    },
    async use(run) {
      const version = current;
      users.set(version, users.get(version)! + 1);
      try {
        return await run(version);
      } finally {
        users.set(version, users.get(version)! - 1);
        retire(version);
      }
    },
    reload(checkpoint) {
      // One after another, so that two at a time do not leave a version that nobody knows of.
      const reloaded = lastReload.then(async () => {
        const next = await load(checkpoint);
        const oldest = previous;
        previous = current;
        current = next;
        retire(oldest);
        return next;
      });
      lastReload = reloaded.catch(() => {});
      return reloaded;
    },
    rollBack() {
      if (!previous) {
        throw new RangeError(`${name} must have been reloaded before it can be rolled back, got its first version`);
      }
      [current, previous] = [previous, current];
      return current;
    },
    async close() {
      await lastReload;
      const kept = previous ? [current, previous] : [current];
      await Promise.all([...retired.values(), ...kept.map(({ model }) => model.close())]);
    },
  };
}
