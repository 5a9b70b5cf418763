/** Collects what callers ask for at about the same time. */
export interface Batcher<Request, Answer> {
  /** @throws QueueFullError when too many wait already */
  ask(request: Request): Promise<Answer>;
  /** Requests that wait or are being answered. */
  readonly pending: number;
}

export interface BatchOptions {
  /** Requests to a call at most. */
  maxBatch: number;
  /** How long the first request of a batch waits for others while nothing else is being answered. */
  maxWaitMs: number;
  /** Requests that may wait; more are turned away. */
  maxQueue: number;
}

/** Too many wait: come again later. */
export class QueueFullError extends Error {}

/**
 * One call for all that wait, and one call at a time: while the model is busy requests gather by themselves, and only the first after
 * a pause waits for company.
 *
 * @param run  answers in the order of the requests; when it fails, all of them do
 */
export function createBatcher<Request, Answer>(
  run: (requests: readonly Request[]) => Promise<readonly Answer[]>,
  { maxBatch, maxWaitMs, maxQueue }: BatchOptions,
): Batcher<Request, Answer> {
  interface Waiting {
    request: Request;
    resolve: (answer: Answer) => void;
    reject: (error: unknown) => void;
  }
  const queue: Waiting[] = [];
  let running = 0;
  let timer: NodeJS.Timeout | undefined;

  async function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    while (queue.length > 0) {
      const batch = queue.splice(0, maxBatch);
      running = batch.length;
      try {
        const answers = await run(batch.map(({ request }) => request));
        for (const [i, { resolve }] of batch.entries()) resolve(answers[i]);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
      running = 0;
      // Callers that have just been answered ask again in a moment; those who come meanwhile go with them.
      if (queue.length > 0 && queue.length < maxBatch) return schedule();
    }
  }

  function schedule(): void {
    if (running > 0) return;
    if (queue.length >= maxBatch) void flush();
    else timer ??= setTimeout(flush, maxWaitMs);
  }

  return {
    ask(request) {
      if (queue.length >= maxQueue) {
        return Promise.reject(new QueueFullError(`${queue.length} requests are waiting; try again in a moment`));
      }
      return new Promise((resolve, reject) => {
        queue.push({ request, resolve, reject });
        schedule();
      });
    },
    get pending() {
      return queue.length + running;
    },
  };
}
