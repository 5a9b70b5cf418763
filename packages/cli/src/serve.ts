import { basename, dirname, resolve } from 'node:path';
import { type ConfigSection, checkConfig, isSection, parseConfigFile } from '@codebeam/data';
import { serveSchema, startService } from '@codebeam/serving';
import { Command, InvalidArgumentError } from 'commander';
import { parseCount } from './parse-count.js';
import { readConfigText } from './read-config-text.js';

interface ServeOptions {
  checkpoint?: NamedCheckpoint[];
  config?: string;
  port?: number;
  host?: string;
  apiKey?: string;
  rateLimit?: { requests: number; seconds: number };
  state?: ConfigSection;
  log?: string;
  beamWidth?: number;
  threads?: number;
  backend?: string;
  watch?: number;
}

interface NamedCheckpoint {
  name: string;
  folder: string;
}

const details = `
Checkpoint: a run with a trained TIGER, such as checkpoints/amazon-beauty, or a folder that a recommender was saved to, such as
checkpoints/amazon-beauty/train-sasrec. Give several to compare them on the page: --checkpoint tiger=A --checkpoint sasrec=B.
The first is asked where a request names none. Without a name a model is called as its folder is.
State, what users have listened to: lmdb[:FILE] (by default .codebeam/users.mdb), redis://HOST:PORT/DATABASE, or memory.
API key: --api-key, or the environment variable CODEBEAM_API_KEY, which other users of the machine cannot see.
Config: YAML with the same and more; its paths start from its own folder, and options go before its keys. For example:

  port: 8080
  models:
    tiger: { checkpoint: checkpoints/amazon-beauty, beamWidth: 20 }
    sasrec: { checkpoint: checkpoints/amazon-beauty/train-sasrec }
  state: { store: redis, url: redis://127.0.0.1:6379 }
  log: { folder: log, maxBytes: 104857600, maxFiles: 10 }
  rateLimit: { requests: 100, seconds: 1 }
  watchSeconds: 10

Sessions, POST /next/USER, play what the first model says, or what policies do: of the simulator (codebeam simulate sessions --help),
on a catalogue of its kind, or { type: model, model }. Experiments split users among them, the control's first:

  catalogue: { type: files, tracks: tracks.json }
  policies:
    sticky: { type: sticky-artist }
    lists: { type: indexed-in-order, lists: lists.jsonl, fallback: sticky }
    live: { type: model, model: tiger }
  policy: sticky
  experiments:
    - { name: LISTS, treatments: [sticky, lists, live], correction: holm, peeking: { effect: 10 } }

GET /experiments and the page tell effects and intervals from the log.

The page is at /, and /openapi.json says what can be asked. SIGTERM or SIGINT ends it when all requests have been answered.
`;

export function serveCommand(): Command {
  return new Command('serve')
    .description('Serves checkpoints over HTTP, with a page to look at what they recommend.')
    .option('--checkpoint <[name=]folder>', 'what to serve; give it again to serve several', addCheckpoint)
    .option('--config <file>', 'YAML that says it all')
    .option('--port <number>', 'port to listen at, 0 for a free one (default: 8080)', parsePort)
    .option('--host <address>', 'address to listen at (default: 127.0.0.1)')
    .option('--api-key <key>', 'asked of everybody but readers of the page')
    .option('--rate-limit <requests[/seconds]>', 'of one address: 100, or 1000/60', parseRateLimit)
    .option('--state <where>', 'lmdb[:FILE], redis://HOST:PORT/DATABASE or memory (default: lmdb)', parseState)
    .option('--log <folder>', 'events of sessions as JSON lines')
    .option('--beam-width <number>', 'W of TIGER where a request does not say (default: 50)', parseCount)
    .option('--threads <number>', 'cores for the kernels of each model (default: all)', parseCount)
    .option('--backend <name>', 'tensorflow, webgpu, native, wasm or cpu; by default the fastest that works')
    .option('--watch <seconds>', 'look so often whether a checkpoint has changed, and reload it', parseCount)
    .addHelpText('after', details)
    .action(serve);
}

async function serve(options: ServeOptions): Promise<void> {
  const { config, folder } = await resolveConfig(options);
  const apiKey = options.apiKey ?? (process.env.CODEBEAM_API_KEY || undefined);
  const { service, url } = await startService(config, { folder, ...(apiKey !== undefined && { apiKey }) });
  let isStopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (isStopping) process.exit(1);
      isStopping = true;
      console.error('stopping; once more stops at once');
      service.close().then(
        () => process.exit(0),
        (error) => {
          console.error(error);
          process.exit(1);
        },
      );
    });
  }
  console.log(`listening on ${url}`);
}

/** The config's keys with the options' on top. */
async function resolveConfig(options: ServeOptions) {
  const { config: path, port, host, rateLimit, state, log, watch } = options;
  const file = path === undefined ? undefined : parseConfigFile('cli', path, await readConfigText(path));
  const folder = path === undefined ? '.' : dirname(path);
  const content: ConfigSection = {
    ...file?.content,
    ...(port !== undefined && { port }),
    ...(host !== undefined && { host }),
    ...(rateLimit && { rateLimit }),
    // Paths of options start from the working folder.
    ...(state && { state: { ...state, ...(typeof state.path === 'string' && { path: resolve(state.path) }) } }),
    ...(log !== undefined && { log: { ...(file?.content.log as ConfigSection), folder: resolve(log) } }),
    ...(watch !== undefined && { watchSeconds: watch }),
  };
  const models = options.checkpoint ? modelsOf(options.checkpoint) : content.models;
  if (isSection(models)) content.models = withOptions(models, options);
  if (content.models === undefined) {
    throw new RangeError('cli: --checkpoint or --config must be given, got neither; say what to serve');
  }
  const config = checkConfig('cli', serveSchema, content, (keys) => {
    const line = keys.map((_, i) => file?.lineOf(keys.slice(0, keys.length - i))).find((found) => found !== undefined);
    return line === undefined ? (path ?? 'options') : `${path}:${line}`;
  });
  if (Object.keys(config.models).length === 0) {
    throw new RangeError('cli: models must be one at least, got none; name a checkpoint');
  }
  return { config, folder };
}

const modelsOf = (checkpoints: readonly NamedCheckpoint[]): ConfigSection =>
  Object.fromEntries(checkpoints.map(({ name, folder }) => [name, { checkpoint: resolve(folder) }]));

/** Models with what the options say of each. */
function withOptions(models: ConfigSection, { beamWidth, threads, backend }: ServeOptions): ConfigSection {
  const how = {
    ...(threads !== undefined && { threads }),
    ...(backend !== undefined && { backend }),
    ...(beamWidth !== undefined && { beamWidth }),
  };
  return Object.fromEntries(
    Object.entries(models).map(([name, model]) => [name, isSection(model) ? { ...model, ...how } : model]),
  );
}

function addCheckpoint(text: string, before: NamedCheckpoint[] = []): NamedCheckpoint[] {
  const [, given, folder = text] = /^([\w.-]+)=(.+)$/.exec(text) ?? [];
  const name = given ?? basename(resolve(folder)).replaceAll(/[^\w.-]/g, '-');
  if (before.some((one) => one.name === name)) {
    throw new InvalidArgumentError(`Two models are called ${name}; give one a name of its own: NAME=${folder}`);
  }
  return [...before, { name, folder }];
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port < 65_536) return port;
  throw new InvalidArgumentError('It must be a number from 0 to 65535.');
}

function parseRateLimit(text: string): { requests: number; seconds: number } {
  const [, requests, seconds = '1'] = /^(\d+)(?:\/(\d+))?$/.exec(text) ?? [];
  if (Number(requests) > 0 && Number(seconds) > 0) return { requests: Number(requests), seconds: Number(seconds) };
  throw new InvalidArgumentError('It must be like 100 or 1000/60, requests and seconds.');
}

function parseState(text: string): ConfigSection {
  if (text === 'memory') return { store: 'memory' };
  if (text === 'redis') return { store: 'redis' };
  if (/^rediss?:\/\//.test(text)) return { store: 'redis', url: text };
  const [, path] = /^lmdb(?::(.+))?$/.exec(text) ?? [];
  if (path !== undefined || text === 'lmdb') return { store: 'lmdb', ...(path !== undefined && { path }) };
  throw new InvalidArgumentError('It must be lmdb, lmdb:FILE, redis://HOST:PORT/DATABASE or memory.');
}
