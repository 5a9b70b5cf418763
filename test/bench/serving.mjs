// The service under load: `codebeam serve` in a process of its own, asked by --callers callers at a time over HTTP for --seconds each:
// TIGER of the default Beauty recipe at --beam, a Markov chain, and sessions that play users' lists, with state and log; or --only one.
// Weights, IDs, lists and histories are random, which the time does not see. Sessions: every acknowledged event must be in the log.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { packSequences } from '@codebeam/data';
import { createGenerator, createKey, foldIn } from '@codebeam/random';
import { markov } from '@codebeam/recommenders';
import { assignSemanticIds, writeSemanticIds } from '@codebeam/rqvae';
import { createVocabulary, informativePositions, initTiger, tigerSchema } from '@codebeam/tiger';
import { saveParams } from '@codebeam/trainers';
import autocannon from 'autocannon';

const numItems = 12_101;
const levels = 3;
const codebookSize = 256;
const numUsers = 10_000;
const itemIds = Array.from({ length: numItems }, (_, item) => String(item));
const recipe = {
  encoderReads: 'items',
  maxHistory: 50,
  modelWidth: 128,
  encoderLayers: 2,
  decoderLayers: 2,
  heads: 4,
  headWidth: 32,
  feedForwardWidth: 512,
  dropout: 0.1,
  constrainedSoftmax: true,
};

export async function run({ beam, callers = '16', seconds = '20', only = 'tiger,markov,sessions' }) {
  const kinds = only.split(',');
  const folder = await mkdtemp(join(tmpdir(), 'serving-'));
  try {
    await writeTigerRun(join(folder, 'tiger'));
    await writeMarkov(join(folder, 'markov'));
    await writeLists(join(folder, 'lists.jsonl'));
    await writeFile(
      join(folder, 'serve.yaml'),
      `port: 0
models: { markov: { checkpoint: markov }, tiger: { checkpoint: tiger, beamWidth: ${beam} } }
state: { store: lmdb, path: users.mdb }
log: { folder: log, maxBytes: 10000000000 }
catalogue: { type: synthetic, tracks: ${numItems} }
policies: { lists: { type: indexed-in-order, lists: lists.jsonl } }
policy: lists
`,
    );
    const started = performance.now();
    const service = await startService(folder);
    const startSeconds = (performance.now() - started) / 1000;
    console.log(`up in ${startSeconds.toFixed(1)} s; load of the machine ${loadavg()[0].toFixed(1)}`);
    try {
      const duration = Number(seconds);
      const random = createGenerator(createKey(1, 'sample'));
      const history = () => Array.from({ length: 1 + random.integer(20) }, () => itemIds[random.integer(numItems)]);
      const recommend = (name) => ({ path: '/recommend', body: () => ({ model: name, history: history(), k: 10 }) });
      const next = {
        path: () => `/next/${random.integer(numUsers)}`,
        body: () => ({ track: random.integer(numItems), time: 0.5 }),
      };
      const loads = {
        tiger: { name: `tiger, beam ${beam}`, request: recommend('tiger'), connections: Number(callers) },
        markov: { name: 'markov', request: recommend('markov'), connections: 64 },
        sessions: { name: 'sessions', request: next, connections: 64 },
      };
      const measured = {};
      for (const kind of kinds) {
        const { name, request, connections } = loads[kind];
        const warmUp = { connections, duration: Math.min(20, Math.ceil(duration / 4)) };
        await measure(service, `${name}, warming up`, request, warmUp);
        const events = countLines(folder);
        measured[kind] = await measure(service, name, request, { connections, duration });
        if (kind !== 'sessions') continue;
        const lost = measured.sessions.answered - (countLines(folder) - events);
        if (lost > 0) throw new Error(`bench: every acknowledged event must be in the log, got ${lost} fewer`);
        console.log(`sessions: ${measured.sessions.answered} acknowledged events, all in the log`);
      }
      return { ...measured, startSeconds, callers: Number(callers), beamWidth: Number(beam), load: loadavg()[0] };
    } finally {
      await service.stop();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** One kind of request for some time. */
async function measure({ url, cpuSeconds, residentMiB }, name, { path, body }, { connections, duration }) {
  const of = (value) => (typeof value === 'function' ? value() : value);
  const perConnection = Math.ceil(2000 / connections);
  const requests = Array.from({ length: connections * perConnection }, () => ({
    method: 'POST',
    path: of(path),
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body()),
  }));
  // A part for each connection, which prepares all of its requests before it asks the first.
  let clients = 0;
  const before = cpuSeconds();
  const memory = residentMiB();
  const result = await autocannon({
    url,
    connections,
    duration,
    timeout: 120,
    setupClient(client) {
      const first = (clients++ % connections) * perConnection;
      client.setRequests(requests.slice(first, first + perConnection));
    },
  });
  const { latency, requests: answered, non2xx, errors } = result;
  if (non2xx > 0 || errors > 0) throw new Error(`bench: ${name} had ${non2xx} refusals and ${errors} errors`);
  const cpuMsPerRequest = (1000 * (cpuSeconds() - before)) / answered.total;
  const measured = {
    ...{ requestsPerSecond: answered.average, p50: latency.p50, p99: latency.p99, cpuMsPerRequest },
    ...{ answered: answered.total, residentMiB: [memory, residentMiB()] },
  };
  console.log(
    `${name}: ${connections} callers, ${answered.average.toFixed(0)} requests/s, p50 ${latency.p50} ms, p99 ${latency.p99} ms, ${cpuMsPerRequest.toFixed(2)} ms of processor time each, ${measured.residentMiB.join(' to ')} MiB`,
  );
  return measured;
}

function startService(folder) {
  const program = new URL('../../packages/cli/bin/codebeam.mjs', import.meta.url).pathname;
  const child = spawn(process.execPath, [program, 'serve', '--config', join(folder, 'serve.yaml')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    child.on('exit', (code) => reject(new Error(`bench: the service must start, got exit code ${code}`)));
    child.stdout.once('data', (line) => {
      resolve({
        url: /http:\S+/.exec(String(line))[0],
        residentMiB: () => Math.round(processes(child.pid).reduce((sum, pid) => sum + residentKiB(pid), 0) / 1024),
        cpuSeconds: () => processes(child.pid).reduce((sum, pid) => sum + cpuOf(pid), 0),
        async stop() {
          child.kill('SIGTERM');
          await new Promise((ended) => child.once('exit', ended));
        },
      });
    });
  });
}

const read = (pid, file) => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // it ended, or this is no Linux
  }
};

/** A process and those that it started. */
function processes(parent) {
  const started = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && statOf(pid)[1] === String(parent));
  return [parent, ...started];
}

/** What `stat` says after the name: state, parent, ... */
const statOf = (pid) => read(pid, 'stat').split(') ').at(-1).split(' ');

const residentKiB = (pid) => Number(/VmRSS:\s*(\d+)/.exec(read(pid, 'status'))?.[1] ?? 0);

/** Seconds of user and system time, in ticks of 10 ms. */
const cpuOf = (pid) => (Number(statOf(pid)[11]) + Number(statOf(pid)[12])) / 100 || 0;

/** What the pipeline leaves of the default recipe: as many items, IDs of three codes without collisions, a model of that size. */
async function writeTigerRun(run) {
  await mkdir(join(run, 'train-tiger'), { recursive: true });
  await mkdir(join(run, 'assign-semantic-ids'));
  const config = tigerSchema.parse(recipe);
  const random = createGenerator(createKey(2, 'sample'));
  const drawn = new Set();
  while (drawn.size < numItems) drawn.add(random.integer(codebookSize ** levels));
  const codes = Int32Array.from(
    [...drawn].flatMap((id) => [id >> 16, (id >> 8) & 255, id & 255]), // 256 codes a level
  );
  const ids = assignSemanticIds(codes, levels, codebookSize);
  const vocabulary = createVocabulary(informativePositions(ids), config);
  const all = createVocabulary(ids, config);
  await writeSemanticIds(join(run, 'assign-semantic-ids', 'semantic-ids.parquet'), ids, itemIds, all.offsets);
  await writeFile(join(run, 'assign-semantic-ids', 'tokenizer-report.json'), JSON.stringify({ levels, codebookSize }));
  await writeFile(join(run, 'train-tiger', 'config.json'), JSON.stringify({ tiger: config }));
  await saveParams(join(run, 'train-tiger', 'model.safetensors'), initTiger(config, vocabulary, 1));
}

/** A hundred tracks for each user. */
async function writeLists(file) {
  const random = createGenerator(createKey(4, 'sample'));
  const lists = Array.from({ length: numUsers }, (_, user) => {
    return { user, tracks: Array.from({ length: 100 }, () => random.integer(numItems)) };
  });
  await writeFile(file, lists.map((list) => `${JSON.stringify(list)}\n`).join(''));
}

/** Events in the log. */
function countLines(folder) {
  const bytes = readFileSync(join(folder, 'log', 'data.json'));
  let lines = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++;
  return lines;
}

async function writeMarkov(folder) {
  await mkdir(folder);
  const key = createKey(3, 'sample');
  const rows = Array.from({ length: 22_363 }, (_, user) => {
    const random = createGenerator(foldIn(key, user));
    return Int32Array.from({ length: 5 + random.integer(8) }, () => random.integer(numItems));
  });
  const fitted = await markov.fit({ sequences: packSequences(rows), numItems, itemIds, fittedOn: 'train' });
  await fitted.save(folder);
}
