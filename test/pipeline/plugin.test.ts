import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const root = resolve(import.meta.dirname, '../..');
const plugin = createRequire(import.meta.url)('../../tools/pipelines-plugin.cjs');
const stagesFile = readFileSync(join(root, 'pipelines/stages.yaml'), 'utf8');
type Line = Record<string, { code?: string; reads: string[]; packages: string[]; sections: string[] }>;
const lines: Record<'generative' | 'recommenders' | 'experiment', Line> = parse(stagesFile);
const stages = lines.generative;

interface Target {
  cache: boolean;
  parallelism: boolean;
  dependsOn: (string | { target: string; params: string })[];
  inputs: (string | Record<string, unknown>)[];
  outputs: string[];
  options: { command: string; run?: string };
  configurations: Record<string, { command: string; run?: string }>;
}

let workspace: string;

beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), 'plugin-'));
  mkdirSync(join(workspace, 'pipelines/configs'), { recursive: true });
  writeFileSync(join(workspace, 'pipelines/stages.yaml'), stagesFile);
  for (const name of readdirSync(join(root, 'packages'))) {
    mkdirSync(join(workspace, 'packages', name), { recursive: true });
    writeFileSync(join(workspace, 'packages', name, 'package.json'), '{}');
  }
});
afterEach(() => rmSync(workspace, { recursive: true }));

function targetsOf(name: string, config: string): Record<string, Target> {
  const file = `pipelines/configs/${name}.yaml`;
  writeFileSync(join(workspace, file), config);
  const [, createNodes] = plugin.createNodesV2;
  const [[, { projects }]] = createNodes([file], undefined, { workspaceRoot: workspace });
  return projects.pipelines.targets;
}

const digestOf = (target: Target) => target.inputs.find((input) => typeof input === 'object' && 'runtime' in input);

it('makes a target of each stage, and one of the whole pipeline', () => {
  const targets = targetsOf('my-shop', 'seed: 1');
  expect(Object.keys(targets)).toEqual([...Object.keys(stages).map((stage) => `my-shop:${stage}`), 'my-shop']);
});

it('goes along the other line where recommenders are compared', () => {
  const targets = targetsOf('films', 'recommenders: [{ model: most-popular }]');
  expect(Object.keys(targets)).toEqual([...Object.keys(lines.recommenders).map((stage) => `films:${stage}`), 'films']);
  expect(targets['films:evaluate'].dependsOn).toContainEqual({ target: 'films:fit-recommenders', params: 'forward' });
  expect(targets['films:evaluate'].inputs).toContain('{projectRoot}/stages/evaluate-recommenders.ts');
});

it('goes along the line of an experiment where there is one, which fits recommenders, too', () => {
  const targets = targetsOf('ab', 'recommenders: [{ model: core }]\nexperiment: { name: CORE }');
  expect(Object.keys(targets)).toEqual([...Object.keys(lines.experiment).map((stage) => `ab:${stage}`), 'ab']);
  const { dependsOn, parallelism } = targets['ab:run-experiment'];
  expect(dependsOn).toContainEqual({ target: 'ab:train-tiger', params: 'forward' });
  expect(dependsOn).toContainEqual({ target: 'ab:fit-recommenders', params: 'forward' });
  expect(parallelism).toBe(false); // it measures latencies
  for (const [name, stage] of Object.entries(lines.experiment).slice(0, -1)) {
    expect(stage).toEqual(lines.generative[name] ?? lines.recommenders[name]); // one definition of each
  }
});

it('a stage depends on the stages that it reads, hands them its arguments, and owns its folder of the run', () => {
  const target = targetsOf('my-shop', 'seed: 1')['my-shop:train-tiger'];
  expect(target.dependsOn).toEqual([
    'build',
    { target: 'my-shop:prepare-data', params: 'forward' },
    { target: 'my-shop:train-sasrec', params: 'forward' },
    { target: 'my-shop:assign-semantic-ids', params: 'forward' },
  ]);
  expect(target.outputs).toEqual(['{workspaceRoot}/checkpoints/{options.run}/train-tiger']);
  expect(target.options).toMatchObject({
    run: 'my-shop',
    command: 'node pipelines/dist/run-stage.js train-tiger --config pipelines/configs/my-shop.yaml',
  });
});

it('offers the variants that the config has, each in a run of its own', () => {
  const targets = targetsOf('my-shop', 'smoke: {}\nsample: {}');
  for (const target of Object.values(targets)) expect(Object.keys(target.configurations)).toEqual(['smoke', 'sample']);
  expect(targets['my-shop:evaluate'].configurations.sample).toEqual({
    run: 'my-shop-sample',
    command: 'node pipelines/dist/run-stage.js evaluate --config pipelines/configs/my-shop.yaml --sample',
  });
  expect(targets['my-shop'].configurations.smoke).toEqual({ command: 'node pipelines/dist/run.js my-shop --smoke' });
});

it('caches every stage but the one that looks at the raw files', () => {
  const targets = targetsOf('my-shop', 'seed: 1');
  const cached = Object.keys(stages).filter((stage) => targets[`my-shop:${stage}`].cache);
  expect(cached).toEqual(Object.keys(stages).filter((stage) => stage !== 'fetch-data'));
});

it('an edit of a section changes the inputs of the stages that see it, and of no other', () => {
  const before = targetsOf('my-shop', 'tiger: { dropout: 0.1 }\nsmoke: { rqvae: { levels: 3 } }');
  const stagesChangedBy = (config: string) => {
    const after = targetsOf('my-shop', config);
    const changed = (stage: string) => digestOf(before[`my-shop:${stage}`]);
    return Object.keys(stages).filter(
      (stage) => JSON.stringify(changed(stage)) !== JSON.stringify(digestOf(after[`my-shop:${stage}`])),
    );
  };
  expect(stagesChangedBy('tiger: { dropout: 0.2 }\nsmoke: { rqvae: { levels: 3 } }')).toEqual([
    'train-tiger',
    'evaluate',
  ]);
  expect(stagesChangedBy('tiger: { dropout: 0.1 }\nsmoke: { rqvae: { levels: 2 } }')).toEqual([
    'train-rqvae',
    'assign-semantic-ids',
  ]);
  expect(stagesChangedBy('# said in other words\ntiger:\n  dropout: 0.1\nsmoke: { rqvae: { levels: 3 } }')).toEqual([]);
});

it('a config that is no YAML still has its targets, so that the stage can name the line', () => {
  const targets = targetsOf('my-shop', 'seed: [1');
  expect(Object.keys(targets['my-shop:evaluate'].configurations)).toEqual(['smoke', 'paper', 'sample']);
});

it('refuses a package that is none of the workspace, which Nx would ignore', () => {
  rmSync(join(workspace, 'packages/rqvae'), { recursive: true });
  expect(() => targetsOf('my-shop', '')).toThrow(
    'pipelines: packages of stage train-rqvae must be folders of packages/, got rqvae; mend pipelines/stages.yaml',
  );
});

it('refuses a config whose name could not be a target', () => {
  expect(() => targetsOf('build', '')).toThrow("a config's name must be of a-z, 0-9 and -, and not build, got build");
  expect(() => targetsOf('My shop', '')).toThrow('got My shop; rename pipelines/configs/My shop.yaml');
});

describe.each(Object.values(lines).flatMap((line) => Object.keys(line).map((stage) => ({ stage, line }))))(
  '$stage',
  ({ stage, line }) => {
    it('lists every package that its file imports, and reads only stages before it', () => {
      const { code = stage, packages, reads } = line[stage];
      const source = readFileSync(join(root, 'pipelines/stages', `${code}.ts`), 'utf8');
      const imported = Array.from(source.matchAll(/'@codebeam\/([\w-]+)'/g), ([, name]) => name);
      expect(imported.filter((name) => !packages.includes(name))).toEqual([]);
      const before = Object.keys(line).slice(0, Object.keys(line).indexOf(stage));
      expect(reads.filter((read) => !before.includes(read))).toEqual([]);
    });
  },
);
