import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { isDeepStrictEqual } from 'node:util';
import type { ListAnswer, ListRequest, Refusal } from './answer-requests.js';
import { createCatalogue } from './catalogue.js';
import type { LoadOptions } from './load-checkpoint.js';
import { codesOf, type Model } from './model.js';
import type { FromModel, ToModel } from './model-process.js';

export interface ModelProcessOptions extends LoadOptions {
  /** Of TensorFlow.js; by default the fastest that works. */
  backend?: string;
  /** Cores for its kernels; CODEBEAM_THREADS, else all of them. */
  threads?: number;
  /** Told when the process ended by itself and another was started. */
  onRestart?: (reason: string) => void;
}

/**
 * A checkpoint in a process of its own, so that the service answers while it computes, a fault in a kernel ends nothing else, and what
 * it took is given back when it is closed. (Threads of one process would share the kernels' pool of threads, which one caller at a
 * time may use.) A process that ends by itself is started again, and the requests that it held are asked once more.
 *
 * @throws Error when the checkpoint cannot be loaded
 */
export async function startModelProcess(checkpoint: string, options: ModelProcessOptions = {}): Promise<Model> {
  const { backend, threads, onRestart = () => {}, ...loading } = options;

  async function start() {
    const env = { ...process.env, ...(threads !== undefined && { CODEBEAM_THREADS: String(threads) }) };
    const child = fork(program(), [], { env, execArgv: [], serialization: 'advanced', stdio: ['ignore', 2, 2, 'ipc'] });
    try {
      const reply = await ask(child, { load: { checkpoint, ...loading, ...(backend && { backend }) } });
      if ('loaded' in reply) return { child, loaded: reply.loaded };
      throw new Error('error' in reply ? reply.error : 'internal: serving: a model answered before it was loaded');
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  const { child, loaded } = await start();
  let current = child;
  let isClosed = false;
  let restarts = 0;
  let lastQuestion: Promise<unknown> = Promise.resolve();

  async function answer(requests: readonly ListRequest[]): Promise<readonly (ListAnswer | Refusal)[]> {
    for (let attempt = 0; ; attempt++) {
      try {
        const reply = await ask(current, { requests });
        if ('answers' in reply) return reply.answers;
        throw new Error('error' in reply ? reply.error : 'internal: serving: a model was loaded twice');
      } catch (error) {
        if (!(error instanceof ProcessEndedError) || attempt > 0 || isClosed) throw error;
        const again = await start();
        if (!isSame(again.loaded, loaded)) {
          again.child.kill('SIGKILL');
          throw new Error(
            `serving: ${checkpoint} must have the items that it was loaded with for its process to start again, got others; reload the model`,
          );
        }
        current = again.child;
        restarts++;
        onRestart(error.message);
      }
    }
  }

  return {
    about: { ...loaded.about, checkpoint },
    catalogue: createCatalogue(loaded.items),
    ...(loaded.ids && { codesOf: codesOf(loaded.ids) }),
    get restarts() {
      return restarts;
    },
    recommend(requests) {
      // One question at a time: the next waits for its turn here.
      const answers = lastQuestion.then(() => answer(requests));
      lastQuestion = answers.catch(() => {});
      return answers;
    },
    async close() {
      isClosed = true;
      const hanging = setTimeout(() => current.kill('SIGKILL'), longestAnswerMs);
      await lastQuestion;
      clearTimeout(hanging);
      if (current.exitCode !== null || current.signalCode !== null) return;
      const ended = new Promise((resolve) => current.once('exit', resolve));
      if (current.connected) current.disconnect();
      const late = setTimeout(() => current.kill('SIGKILL'), 2000);
      await ended;
      clearTimeout(late);
    },
  };
}

type Loaded = Extract<FromModel, { loaded: unknown }>['loaded'];

/** That a model may take for what it is asked when it is closed. */
const longestAnswerMs = 5000;

/** Whether what is said of items by number, here and there, is said of the same items. */
function isSame(a: Loaded, b: Loaded): boolean {
  const namesOf = ({ items, ids }: Loaded) => [items.map(({ id }) => id), ids?.codes];
  return isDeepStrictEqual(namesOf(a), namesOf(b));
}

/** The built program, also where this file runs from source. */
const program = () => createRequire(import.meta.url).resolve('@codebeam/serving/model-process');

/** The process is gone, and its answer with it. */
class ProcessEndedError extends Error {}

function ask(child: ChildProcess, message: ToModel): Promise<FromModel> {
  return new Promise<FromModel>((resolve, reject) => {
    const ended = (how: unknown) => {
      child.off('message', answered);
      reject(new ProcessEndedError(`serving: a model's process must outlive its answer, got ${how}; see its output`));
    };
    const onExit = (code: number | null, signal: string | null) => ended(signal ?? `exit code ${code}`);
    const answered = (reply: unknown) => {
      child.off('exit', onExit);
      resolve(reply as FromModel);
    };
    if (child.exitCode !== null || child.signalCode !== null) return ended(child.signalCode ?? child.exitCode);
    child.once('message', answered).once('exit', onExit);
    child.send(message, (error) => {
      if (!error) return;
      child.off('exit', onExit);
      ended(error.message);
    });
  });
}
