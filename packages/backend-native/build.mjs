// Compiles native/ with the machine's own C++ compiler into prebuilds/<platform>-<arch>/codebeam.node.
// Without a usable compiler it says so in one line and ends well: Codebeam then takes the addon that came with the package, if one was
// built of these sources for this platform, or runs on WebAssembly.
// It compiles the kernels for the best instruction set of this machine and for any machine of its kind, or with
//   --all  for all instruction sets, as an addon must be that is shipped
//   --only amx,avx2  for those named
//   --sanitize  builds prebuilds/<platform>-<arch>-sanitized/ with AddressSanitizer and UndefinedBehaviorSanitizer
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const folder = import.meta.dirname;
const sources = join(folder, 'native');
const sanitize = process.argv.includes('--sanitize');
const compiler = process.env.CXX || 'c++';
const output = join(folder, 'prebuilds', `${process.platform}-${process.arch}${sanitize ? '-sanitized' : ''}`);

const shared = [
  '-std=c++17',
  sanitize ? '-O1' : '-O3',
  '-fPIC',
  '-fvisibility=hidden',
  // Kernels state their own order of additions; a multiply and an add may become one instruction.
  '-ffp-contract=fast',
  '-fno-math-errno',
  '-fno-trapping-math',
  '-Wall',
  '-Wextra',
  '-Wno-psabi',
  ...(sanitize ? ['-fsanitize=address,undefined', '-fno-sanitize-recover=undefined', '-g'] : []),
];
const avx2 = ['-mavx2', '-mfma'];
const avx512 = [...avx2, '-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl', '-mprefer-vector-width=512'];
const amx = [...avx512, '-mavx512bf16', '-mamx-tile', '-mamx-bf16'];
const all = process.arch === 'x64' ? { amx, avx512, avx2, portable: [] } : { portable: [] };
/** What -march=native has to define for each. */
const macros = {
  amx: ['__AMX_BF16__', '__AVX512BF16__', '__AVX512BW__'],
  avx512: ['__AVX512F__', '__AVX512BW__', '__AVX512DQ__', '__AVX512VL__'],
  avx2: ['__AVX2__', '__FMA__'],
  portable: [],
};
const files = readdirSync(sources, { recursive: true }).filter((name) => /\.(cc|h)$/.test(name));
const digestOfSources = files
  .sort()
  .reduce((hash, file) => hash.update(file).update(readFileSync(join(sources, file))), createHash('sha256'))
  .digest('hex');
const target = join(output, 'codebeam.node');
// What the addon is built of: a line for its sources, one for the compiler and its flags, one with its instruction sets.
const stamp = join(output, 'digest.txt');
const stamped = existsSync(target) && existsSync(stamp) ? readFileSync(stamp, 'utf8').split('\n') : [];

try {
  const built = await build();
  console.log(`backend-native: ${built}`);
} catch (error) {
  const reason = String(error.stderr || error.message)
    .split('\n')
    .find((line) => /error|not found|ENOENT/i.test(line));
  const fits = stamped[0] === digestOfSources;
  // An addon of other sources would be called in ways that it does not know.
  if (!fits) await rm(target, { force: true });
  const instead = fits ? 'uses the addon that is there' : 'runs on WebAssembly instead';
  console.log(`backend-native: not built (${(reason ?? error.message).trim()}); Codebeam ${instead}`);
}

async function build() {
  const { stdout: version } = await run(compiler, ['--version']);
  const { include_dir: headers } = createRequire(import.meta.url)('node-api-headers');
  const wanted = await wantedSets();
  const settings = JSON.stringify([version, shared, all, process.version]);
  const digests = [digestOfSources, createHash('sha256').update(settings).digest('hex')];
  const has = stamped[2]?.split(',') ?? [];
  if (String(stamped.slice(0, 2)) === String(digests) && wanted.every((name) => has.includes(name)))
    return 'up to date';

  const start = performance.now();
  const work = await mkdtemp(join(tmpdir(), 'codebeam-build-'));
  try {
    const compile = async (file, object, flags) => {
      await run(compiler, [...shared, ...flags, '-I', headers, '-c', join(sources, file), '-o', join(work, object)]);
      return join(work, object);
    };
    const objects = await Promise.all([
      compile('parallel.cc', 'parallel.o', []),
      compile(
        'addon.cc',
        'addon.o',
        wanted.map((name) => `-DWITH_${name}`),
      ),
      ...wanted.map((name) => compile('kernels.cc', `kernels-${name}.o`, [`-DISA=${name}`, ...all[name]])),
    ]);
    const linked = join(work, 'codebeam.node');
    const link = (flags) => run(compiler, ['-shared', '-pthread', ...shared, ...flags, ...objects, '-o', linked]);
    if (process.platform === 'darwin') await link(['-undefined', 'dynamic_lookup']);
    else if (sanitize) await link([]);
    // With the C++ library inside, an addon built here runs where that library is another; not every system has it to put inside.
    else await link(['-static-libstdc++', '-static-libgcc']).catch(() => link([]));
    await mkdir(output, { recursive: true });
    // A process that has the old file loaded keeps it; the new one takes its name whole.
    const fresh = `${target}.${process.pid}`;
    await writeFile(fresh, readFileSync(linked), { mode: 0o755 });
    await rename(fresh, target);
    await writeFile(stamp, [...digests, wanted.join(',')].join('\n'));
  } finally {
    await rm(work, { recursive: true });
  }
  const compilerName = version.split('\n')[0];
  return `built ${wanted.join(' and ')} into ${target.slice(dirname(dirname(folder)).length + 1)} with ${compilerName} in ${((performance.now() - start) / 1000).toFixed(0)} s`;
}

/** Names of the instruction sets to compile for, best first. */
async function wantedSets() {
  const names = Object.keys(all);
  if (process.argv.includes('--all')) return names;
  const only = process.argv.indexOf('--only') + 1;
  if (only > 0) return process.argv[only].split(',');
  if (names.length === 1) return names;
  const { stdout: defined } = await run(compiler, ['-march=native', '-dM', '-E', '-x', 'c++', '/dev/null']);
  const best = names.find((name) => macros[name].every((macro) => defined.includes(`${macro} `)));
  return [...new Set([best, 'portable'])];
}
