import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PipelineConfig } from '../../pipelines/config.js';
import { hashCode } from '../../pipelines/hash-code.js';
import { resolveConfig } from '../../pipelines/resolve-config.js';
import { runStage, type Section, type Stage, type StageOptions } from '../../pipelines/stage.js';

const layouts = 'fetch-data: { layouts: [{ interactions: { type: amazon, file: reviews.json.gz } }] }';
const configOf = (text = '') => resolveConfig('test.yaml', `${layouts}\n${text}`).config as PipelineConfig;

const home = process.cwd();
let folder: string;
let lines: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stage-'));
  process.chdir(folder);
  lines = [];
});
afterEach(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

const options = (overrides: Partial<StageOptions> = {}): StageOptions => ({
  name: 'embed-items',
  dataset: 'shop',
  run: 'shop',
  config: configOf(),
  code: 'c0de',
  versions: { codebeam: '0' },
  log: (text) => lines.push(text),
  ...overrides,
});

const write =
  (files: Record<string, string>): Stage<Section> =>
  async ({ output }) => {
    for (const [file, text] of Object.entries(files)) writeFileSync(output(file), text);
    return { files: Object.keys(files).length };
  };

/** The stages before embed-items, as if they had run. */
async function prepare(text = 'interactions', config = configOf()): Promise<void> {
  await runStage(write({ 'source.json': '{}' }), options({ name: 'fetch-data', config }));
  await runStage(write({ 'interactions.parquet': text }), options({ name: 'prepare-data', config }));
  await runStage(write({ 'model.safetensors': 'weights' }), options({ name: 'train-sasrec', config }));
}

const read = (file: string) => readFileSync(join('checkpoints/shop', file), 'utf8');

describe('a complete stage', () => {
  it('leaves its files with a manifest of what made them, without times or paths', async () => {
    await prepare();
    await runStage(write({ 'a.txt': 'a' }), options());
    expect(readdirSync('checkpoints/shop/embed-items').sort()).toEqual(['a.txt', 'manifest.json']);
    const manifest = JSON.parse(read('embed-items/manifest.json'));
    expect(manifest).toEqual({
      stage: 'embed-items',
      seed: 42,
      config: { 'fetch-data': configOf()['fetch-data'], 'embed-items': configOf()['embed-items'] },
      versions: { codebeam: '0' },
      inputs: {
        'fetch-data/source.json': expect.stringMatching(/^[0-9a-f]{64}$/),
        'prepare-data/interactions.parquet': expect.stringMatching(/^[0-9a-f]{64}$/),
        'train-sasrec/model.safetensors': expect.stringMatching(/^[0-9a-f]{64}$/),
      },
      outputs: { 'a.txt': 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb' },
      counts: { files: 1 },
    });
    expect(read('embed-items/manifest.json')).not.toContain(folder);
  });

  it('names the backend and the precision in effect in its manifest', async () => {
    await prepare();
    const manifest = await runStage(write({ 'a.txt': 'a' }), options({ backend: 'wasm', precision: 'float32' }));
    expect(manifest).toMatchObject({ backend: 'wasm', precision: 'float32' });
  });

  it('keeps timings beside the files, where no hash sees them', async () => {
    await prepare();
    expect(JSON.parse(read('logs/prepare-data/timing.json'))).toEqual({
      seconds: expect.any(Number),
      peakMemoryMiB: expect.any(Number),
    });
  });

  it('is not run again while nothing has changed', async () => {
    await prepare();
    await runStage(write({ 'a.txt': 'a' }), options());
    await runStage(write({ 'a.txt': 'another' }), options());
    expect(read('embed-items/a.txt')).toBe('a');
    expect(lines.at(-1)).toBe('embed-items: unchanged, nothing to do');
  });

  it.each<[string, Partial<StageOptions>]>([
    ['its config', { config: configOf('embed-items: { text: { fields: [title] } }') }],
    ['the seed', { config: configOf('seed: 7') }],
    ['the code', { code: 'other' }],
    ['the backend', { backend: 'wasm' }],
  ])('is run again when %s has changed, and takes the place of the old', async (_, change) => {
    await prepare();
    await runStage(write({ 'a.txt': 'a', 'b.txt': 'b' }), options());
    await runStage(write({ 'a.txt': 'another' }), options(change));
    expect(readdirSync('checkpoints/shop/embed-items').sort()).toEqual(['a.txt', 'manifest.json']);
    expect(read('embed-items/a.txt')).toBe('another');
  });

  it('is not run again when a section that it does not see has changed', async () => {
    await prepare();
    await runStage(write({ 'a.txt': 'a' }), options());
    await runStage(write({ 'a.txt': 'another' }), options({ config: configOf('tiger: { dropout: 0.3 }') }));
    expect(read('embed-items/a.txt')).toBe('a');
  });

  it('is run again when an input has changed', async () => {
    await prepare();
    await runStage(write({ 'a.txt': 'a' }), options());
    await prepare('others', configOf('prepare-data: { minInteractions: 3 }'));
    await runStage(write({ 'a.txt': 'another' }), options());
    expect(read('embed-items/a.txt')).toBe('another');
  });

  it('is run again when its folder has come to hold what another config made, as Nx restores it', async () => {
    await prepare();
    const other = { config: configOf('seed: 7') };
    await runStage(write({ 'a.txt': 'seed 42' }), options());
    cpSync('checkpoints/shop/embed-items', 'cache', { recursive: true });
    await runStage(write({ 'a.txt': 'seed 7' }), options(other));
    rmSync('checkpoints/shop/embed-items', { recursive: true });
    cpSync('cache', 'checkpoints/shop/embed-items', { recursive: true });
    const { seed } = await runStage(write({ 'a.txt': 'seed 7' }), options(other));
    expect([seed, read('embed-items/a.txt')]).toEqual([7, 'seed 7']);
  });

  it('is run again when somebody changed its files', async () => {
    await prepare();
    await runStage(write({ 'a.txt': 'a' }), options());
    writeFileSync('checkpoints/shop/embed-items/a.txt', 'tampered');
    await runStage(write({ 'a.txt': 'a' }), options());
    expect(read('embed-items/a.txt')).toBe('a');
  });
});

describe('the code of a stage', () => {
  const addon = `packages/native/prebuilds/${process.platform}-${process.arch}/digest.txt`;
  const put = (file: string, text: string) => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  };
  const hash = () => hashCode('.', 'evaluate', ['native']);

  beforeEach(() => {
    put('packages/native/dist/index.js', 'index');
    put('pipelines/dist/stage.js', 'stage');
    put('pipelines/dist/stages/evaluate.js', 'evaluate');
    put('pipelines/dist/stages/train-tiger.js', 'train');
    put(addon, 'amx');
  });

  it.each<[string, () => void]>([
    ['a package', () => put('packages/native/dist/index.js', 'other')],
    ["a file's name", () => renameSync('packages/native/dist/index.js', 'packages/native/dist/other.js')],
    ['a native addon', () => put(addon, 'avx2')],
    ['the stage', () => put('pipelines/dist/stages/evaluate.js', 'other')],
  ])('is another when %s is another', (_, change) => {
    const before = hash();
    change();
    expect(hash()).not.toBe(before);
  });

  it('is the same when another stage is another', () => {
    const before = hash();
    put('pipelines/dist/stages/train-tiger.js', 'other');
    expect(hash()).toBe(before);
  });
});

describe('a stage that fails', () => {
  const failing: Stage<Section> = async ({ output }) => {
    writeFileSync(output('a.txt'), 'half');
    throw new Error('data: disk must have room, got ENOSPC');
  };

  it('leaves nothing half-written', async () => {
    await prepare();
    await expect(runStage(failing, options())).rejects.toThrow('ENOSPC');
    expect(existsSync('checkpoints/shop/embed-items')).toBe(false);
    expect(readdirSync('checkpoints/.work/shop/embed-items')).toEqual(['key']);
  });

  it('leaves the files of the run before', async () => {
    await prepare();
    await runStage(write({ 'a.txt': 'a' }), options());
    await expect(runStage(failing, options({ config: configOf('seed: 7') }))).rejects.toThrow('ENOSPC');
    expect(read('embed-items/a.txt')).toBe('a');
    expect(JSON.parse(read('embed-items/manifest.json')).seed).toBe(42);
  });
});

describe('a stage that another process works on', () => {
  const lock = 'checkpoints/.work/shop/embed-items.lock';

  it('is left to it', async () => {
    await prepare();
    writeFileSync(lock, String(process.ppid));
    await expect(runStage(write({ 'a.txt': 'a' }), options())).rejects.toThrow(
      `pipelines: embed-items of shop must be one process's work at a time, got process ${process.ppid} at it; wait for its end, or give another --run`,
    );
    expect(existsSync(lock)).toBe(true);
  });

  it('is run where that one was killed, and lets others in afterwards', async () => {
    await prepare();
    writeFileSync(lock, String(spawnSync(process.execPath, ['--version']).pid));
    await runStage(write({ 'a.txt': 'a' }), options());
    expect(read('embed-items/a.txt')).toBe('a');
    expect(existsSync(lock)).toBe(false);
  });
});

describe('a stage that was interrupted', () => {
  const interrupted: Stage<Section> = async ({ state }) => {
    mkdirSync(state, { recursive: true });
    writeFileSync(join(state, 'checkpoint'), 'step 7');
    throw new Error('pipelines: killed');
  };
  const resuming: Stage<Section> = async ({ state, output }) => {
    writeFileSync(output('a.txt'), existsSync(join(state, 'checkpoint')) ? 'resumed' : 'from the start');
    return {};
  };

  it('finds its state again', async () => {
    await prepare();
    await expect(runStage(interrupted, options())).rejects.toThrow('killed');
    await runStage(resuming, options());
    expect(read('embed-items/a.txt')).toBe('resumed');
    expect(lines).toContain('embed-items: work begun earlier goes on');
  });

  it.each<[string, Partial<StageOptions>]>([
    ['config', { config: configOf('seed: 7') }],
    ['code', { code: 'other' }],
  ])('begins anew with another %s, and says so', async (_, change) => {
    await prepare();
    await expect(runStage(interrupted, options())).rejects.toThrow('killed');
    await runStage(resuming, options(change));
    expect(read('embed-items/a.txt')).toBe('from the start');
    expect(lines).toContain('embed-items: work begun with another config, other inputs or other code is deleted');
  });

  it('keeps no state once it is complete', async () => {
    await prepare();
    await expect(runStage(interrupted, options())).rejects.toThrow('killed');
    await runStage(resuming, options());
    expect(readdirSync('checkpoints/.work/shop/embed-items').sort()).toEqual(['done', 'key']);
  });
});

describe('inputs', () => {
  it('must be there', async () => {
    await expect(runStage(write({}), options())).rejects.toThrow(
      'pipelines: embed-items must find the files of fetch-data in checkpoints/shop/fetch-data, got none; run fetch-data of the same run first',
    );
  });

  it('must be what their manifest names', async () => {
    await prepare();
    writeFileSync('checkpoints/shop/prepare-data/interactions.parquet', 'cut');
    await expect(runStage(write({}), options())).rejects.toThrow(
      /^pipelines: checkpoints\/shop\/prepare-data\/interactions.parquet must be what its manifest names/,
    );
  });

  it('can be read only from stages that stages.yaml names', async () => {
    await prepare();
    const stage: Stage<Section> = async ({ input }) => ({ length: input('train-tiger', 'model.safetensors').length });
    await expect(runStage(stage, options())).rejects.toThrow('internal: embed-items must declare');
  });
});
