import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');

/** Who may import whom. `random` (seeded numbers) is a leaf that everybody may import, as data and backend both need it. */
const mayImport: Record<string, readonly string[]> = {
  random: [],
  data: ['random'],
  backend: ['random', 'backend-native'],
  'backend-native': [],
  nn: ['backend', 'random'],
  rqvae: ['data', 'nn', 'backend', 'random'],
  tiger: ['rqvae', 'eval', 'data', 'nn', 'backend', 'random'],
  trainers: ['tiger', 'rqvae', 'nn', 'data', 'backend', 'random'],
  eval: ['data', 'random'],
  recommenders: ['trainers', 'eval', 'nn', 'data', 'backend', 'random'],
  simulation: ['eval', 'data', 'random'],
  serving: ['simulation', 'eval', 'tiger', 'recommenders', 'rqvae', 'data', 'backend', 'random'],
};
/** The command line is the end of the line: all but pipelines, which is none of the packages. */
mayImport.cli = Object.keys(mayImport);

/** Kernels are tested through the ops that they serve. */
const testsMayImport: Record<string, readonly string[]> = { 'backend-native': ['backend', 'random'] };

const packages = readdirSync(join(root, 'packages')).filter((name) =>
  existsSync(join(root, 'packages', name, 'package.json')),
);

interface Import {
  file: string;
  specifier: string;
  /** What stands between `import` and `from`; empty for dynamic imports. */
  clause: string;
}

function importsOf(folder: string): Import[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  return files.flatMap((file) => {
    const path = join(folder, file);
    const found = readFileSync(path, 'utf8').matchAll(
      /^\s*(?:import|export)\b([^;'"]*?)\bfrom\s*['"]([^'"]+)['"]|\bimport\s*\(?\s*['"]([^'"]+)['"]/gm,
    );
    return Array.from(found, ([, clause = '', specifier, dynamic]) => ({
      file: path,
      specifier: specifier ?? dynamic,
      clause,
    }));
  });
}

const ours = (specifier: string) => /^@codebeam\/([^/]+)/.exec(specifier)?.[1];
const isTest = ({ file }: Import) => file.endsWith('.test.ts');
/** What tests of several packages share lies in the fixtures of one. */
const isFixture = (file: string, specifier: string) =>
  file.endsWith('.test.ts') && /^(\.\.\/)+\w+\/fixtures\//.test(specifier);

describe.each(packages)('%s', (name) => {
  const folder = join(root, 'packages', name);
  const imports = importsOf(join(folder, 'src'));
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });

  it('has its place in the table', () => {
    expect(Object.keys(mayImport)).toContain(name);
  });

  it('imports only packages before it', () => {
    const against = imports.filter((one) => {
      const imported = ours(one.specifier);
      const allowed = [name, ...mayImport[name], ...((isTest(one) && testsMayImport[name]) || [])];
      return imported !== undefined && !allowed.includes(imported);
    });
    expect(against.map(({ file, specifier }) => `${relative(root, file)} imports ${specifier}`)).toEqual([]);
  });

  it('declares no dependency against the direction, and each package that its source imports', () => {
    const declaredOurs = declared.flatMap((dependency) => ours(dependency) ?? []);
    expect(declaredOurs.filter((dependency) => !mayImport[name].includes(dependency))).toEqual([]);
    const used = imports.filter((one) => !isTest(one)).flatMap(({ specifier }) => ours(specifier) ?? []);
    expect([...new Set(used)].filter((dependency) => !declaredOurs.includes(dependency))).toEqual([]);
  });

  it('reaches into no other folder', () => {
    const outside = imports.filter(
      ({ file, specifier }) =>
        !isFixture(file, specifier) &&
        specifier.startsWith('.') &&
        !resolve(dirname(file), specifier).startsWith(folder),
    );
    expect(outside.map(({ file, specifier }) => `${relative(root, file)} imports ${specifier}`)).toEqual([]);
  });
});

it('tiger takes only semantic IDs from rqvae', () => {
  const semanticIds = ['semantic-ids.ts', 'semantic-id-tables.ts'].flatMap((file) => {
    const source = readFileSync(join(root, 'packages/rqvae/src', file), 'utf8');
    return Array.from(
      source.matchAll(/^export (?:async )?(?:function|interface|type|const) (\w+)/gm),
      ([, name]) => name,
    );
  });
  const taken = importsOf(join(root, 'packages/tiger/src'))
    .filter((one) => !isTest(one) && ours(one.specifier) === 'rqvae')
    .flatMap(({ clause }) => clause.replace(/^\s*type\b|[{}]|\btype\b/g, '').split(','))
    .map((name) => name.trim().split(/\s+as\s+/)[0])
    .filter((name) => name !== '');
  expect(taken.filter((name) => !semanticIds.includes(name))).toEqual([]);
});

it('nobody imports pipelines', () => {
  const against = packages.flatMap((name) =>
    importsOf(join(root, 'packages', name, 'src')).filter(({ specifier }) => /pipelines/.test(specifier)),
  );
  expect(against).toEqual([]);
});
