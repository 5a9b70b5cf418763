// npm run --silent bench -- NAME [options]: human lines, and last one JSON line. README.md lists names and options.
import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { selectBackend, setPrecision, tf } from '@codebeam/backend';

const names = [
  'train-tiger',
  'beam-search',
  'rqvae',
  'kmeans',
  'top-k',
  'gemm',
  'co-occurrence',
  'ease',
  'cold-items',
  'gru4rec',
  'populations',
  'sessions',
  'serving',
];

try {
  await main();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      backend: { type: 'string' },
      precision: { type: 'string', default: 'float32' },
      threads: { type: 'string' },
      raw: { type: 'string' },
      model: { type: 'string' },
      beam: { type: 'string', default: '20' },
      users: { type: 'string' },
      steps: { type: 'string' },
      epochs: { type: 'string', default: '5' },
      size: { type: 'string', default: '4096' },
      items: { type: 'string' },
      batch: { type: 'string', default: '64' },
      loss: { type: 'string', default: 'cross-entropy' },
      callers: { type: 'string' },
      seconds: { type: 'string' },
      only: { type: 'string' },
    },
  });
  const [name] = positionals;
  if (!names.includes(name)) throw new RangeError(`bench: name must be one of ${names.join(', ')}, got ${name}`);
  const { run } = await import(`./${name}.mjs`);
  const backend = await selectBackend(values.backend);
  const { precision, threads } = configure(backend.name, values);
  console.log(
    `${cpus()[0].model}, ${availableParallelism()} cores, Node ${process.version}, backend ${backend.reason}, ${precision}, threads ${threads}`,
  );
  const measured = await run({ ...values, precision });
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  console.log(JSON.stringify({ bench: name, backend: backend.name, precision, threads, ...measured, commit }));
}

/** Only `native` has a precision and threads of its own; the others compute in float32, wasm and cpu on one thread. */
function configure(name, { precision, threads }) {
  if (name !== 'native') {
    if (precision !== 'float32' || threads !== undefined) {
      throw new RangeError(`bench: --precision and --threads must go with --backend native, got ${name}`);
    }
    return { precision, threads: 1 };
  }
  const native = tf.backend();
  setPrecision(precision);
  if (threads !== undefined) native.setThreads(Number(threads));
  return { precision, threads: native.threads };
}
