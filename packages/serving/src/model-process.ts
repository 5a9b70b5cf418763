import { selectBackend } from '@codebeam/backend';
import type { Item } from '@codebeam/data';
import type { SemanticIds } from '@codebeam/rqvae';
import { answerRequests, type ListAnswer, type ListRequest, type Refusal } from './answer-requests.js';
import { findItems } from './find-items.js';
import { type Checkpoint, type LoadOptions, loadCheckpoint } from './load-checkpoint.js';
import { describeCheckpoint, type ModelDescription } from './model.js';

/** What passes between the service and a model's process. */
export type ToModel =
  | { load: { checkpoint: string; backend?: string } & LoadOptions }
  | { requests: readonly ListRequest[] };
export type FromModel =
  | { loaded: { about: ModelDescription; items: readonly Item[]; ids?: SemanticIds } }
  | { answers: readonly (ListAnswer | Refusal)[] }
  | { error: string };

/** Serves one checkpoint to the process that started this one (`startModelProcess`), and ends with it. */
function serveModel(send: (message: FromModel) => void): void {
  let checkpoint: Checkpoint | undefined;

  async function load({
    checkpoint: folder,
    backend,
    ...options
  }: LoadOptions & { checkpoint: string; backend?: string }) {
    await selectBackend(backend);
    checkpoint = await loadCheckpoint(folder, options);
    const items = await findItems(folder, checkpoint.itemIds);
    // What runs for the first time is compiled and allocated; callers need not wait for that.
    await answerRequests(checkpoint, [{ history: Int32Array.of(0), k: 1 }]);
    const { tiger } = checkpoint;
    send({ loaded: { about: describeCheckpoint(checkpoint), items, ...(tiger && { ids: tiger.ids }) } });
  }

  process.on('message', async (message: ToModel) => {
    try {
      if ('load' in message) await load(message.load);
      else send({ answers: await answerRequests(checkpoint!, message.requests) });
    } catch (error) {
      send({ error: error instanceof Error ? error.message : String(error) });
    }
  });
  process.on('disconnect', () => process.exit());
  // A terminal or a container tells the whole group to stop; the service finishes its requests first, and then says so itself.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
}

if (process.send) serveModel((message) => process.send!(message));
else {
  console.error('error: serving: model-process must be started by the service, got no channel; run codebeam serve');
  process.exitCode = 2;
}
