import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import {
  type Decision,
  type Launcher,
  type Objective,
  type Outcome,
  type Report,
  runObjective,
  type Trial,
  TrialFailed,
} from './launcher.js';

/** What passes between the two processes. */
type ToWorker = { trial: Trial } | { decision: Decision };
type FromWorker = { cpuSeconds: number } & (
  | { report: Report }
  | { status: Outcome['status']; peakBytes: number }
  | { error: string }
);

export interface ProcessLauncherOptions {
  /** Worker processes, and so trials at a time. */
  concurrency: number;
  /** Cores to share between them: each gets its part as CODEBEAM_THREADS. All cores when left out. */
  cores?: number;
  /** Passed to `module` as command-line arguments. */
  args?: readonly string[];
  /** Options of Node.js for workers; this process's own when left out. */
  execArgv?: readonly string[];
}

/**
 * Runs trials in worker processes on this machine. A worker goes on to the next trial, so that it loads its data once, unless its
 * trial was stopped or failed: then a fresh one takes its place. Workers end with the process that made them.
 *
 * @param module  path or file URL of a program that calls {@link serveTrials}
 */
export function processLauncher(module: string | URL, options: ProcessLauncherOptions): Launcher {
  const { concurrency, cores = availableParallelism(), args = [], execArgv = process.execArgv } = options;
  const threads = Math.max(1, Math.floor(cores / concurrency));
  const path = module instanceof URL || module.startsWith('file:') ? fileURLToPath(module) : module;
  const idle: ChildProcess[] = [];

  function start(): ChildProcess {
    const env = { ...process.env, CODEBEAM_THREADS: String(threads) };
    const worker = fork(path, args, {
      env,
      execArgv: [...execArgv],
      serialization: 'advanced', // JSON has no NaN
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    return worker.on('error', () => {}); // a trial hears of its own; between trials there is nobody to tell
  }

  /** An idle worker does not keep this process alive. */
  function rest(worker: ChildProcess): void {
    worker.unref();
    worker.channel?.unref();
    idle.push(worker);
  }

  function wake(): ChildProcess | undefined {
    const worker = idle.pop();
    if (worker && !worker.connected) return wake(); // it died meanwhile
    worker?.ref();
    worker?.channel?.ref();
    return worker;
  }

  return {
    concurrency,
    async launch(trial, onReport) {
      const worker = wake() ?? start();
      try {
        const outcome = await follow(worker, trial, onReport);
        if (outcome.status === 'complete') rest(worker);
        else worker.kill('SIGKILL'); // whatever the trial left behind goes with it
        return outcome;
      } catch (error) {
        worker.kill('SIGKILL');
        throw error;
      }
    },
    async close() {
      for (const worker of idle.splice(0)) worker.kill();
    },
  };
}

/** Sends a worker a trial, and answers its reports until it ends. */
function follow(worker: ChildProcess, trial: Trial, onReport: (report: Report) => Promise<Decision>): Promise<Outcome> {
  const listeners = new AbortController();
  return new Promise<Outcome>((resolve, reject) => {
    const on = (event: string, listener: (...given: never[]) => void) => {
      worker.on(event, listener as () => void);
      listeners.signal.addEventListener('abort', () => worker.off(event, listener as () => void));
    };
    const send = (message: ToWorker) => worker.send(message, (error) => error && reject(error));
    on('error', reject);
    on('exit', (code: number | null, signal: string | null) => {
      reject(
        new Error(`trainers: worker must outlive its trial, got ${signal ?? `exit code ${code}`}; see its output`),
      );
    });
    on('message', (message: FromWorker) => {
      const { cpuSeconds } = message;
      if ('error' in message) reject(new TrialFailed(message.error, cpuSeconds));
      else if ('status' in message) resolve({ status: message.status, cpuSeconds, peakBytes: message.peakBytes });
      else onReport(message.report).then((decision) => send({ decision }), reject);
    });
    send({ trial });
  }).finally(() => listeners.abort());
}

/**
 * Makes this process a worker of {@link processLauncher}: runs the objective for each trial that it is sent.
 *
 * @throws Error when no launcher started the process
 */
export function serveTrials(objective: Objective): void {
  if (!process.send) {
    throw new Error('trainers: serveTrials must run in a worker, got no channel; pass this module to processLauncher');
  }
  let before = process.cpuUsage();
  let answer: (decision: Decision) => void = () => {};
  const send = (message: object) => {
    const { user, system } = process.cpuUsage(before);
    process.send!({ ...message, cpuSeconds: (user + system) / 1e6 });
  };
  const decide = (report: Report) => {
    return new Promise<Decision>((resolve) => {
      answer = resolve;
      send({ report });
    });
  };

  process.on('message', async (message: ToWorker) => {
    if ('decision' in message) return answer(message.decision);
    before = process.cpuUsage();
    try {
      const status = await runObjective(objective, message.trial, decide);
      send({ status, peakBytes: process.resourceUsage().maxRSS * 1024 });
    } catch (error) {
      send({ error: error instanceof Error ? error.message : String(error) });
    }
  });
  process.on('disconnect', () => process.exit(1)); // the study was killed
}
