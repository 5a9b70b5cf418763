import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ExperimentConfig, type PipelineConfig, variants } from '../../pipelines/config.js';
import { resolveConfig } from '../../pipelines/resolve-config.js';

const folder = resolve(import.meta.dirname, '../../pipelines/configs');
const base = `fetch-data:
  layouts:
    - interactions: { type: amazon, file: reviews.json.gz }
tiger:
  dropout: 0.1
  heads: 2
smoke:
  tiger:
    dropout: 0
`;
const resolveBase = (more = '', overrides = {}) =>
  resolveConfig('shop.yaml', base + more, overrides).config as PipelineConfig;

describe('a config', () => {
  it('is completed with the defaults of the packages', () => {
    const config = resolveBase();
    expect(config.seed).toBe(42);
    expect(config.rqvae).toMatchObject({ levels: 3, codebookSize: 256 });
    expect(config.tiger).toMatchObject({ dropout: 0.1, heads: 2, modelWidth: 128 });
  });

  it('takes the overrides of the variant that is asked for, and keeps the rest of the section', () => {
    expect(resolveBase('', { variant: 'smoke' }).tiger).toMatchObject({ dropout: 0, heads: 2 });
  });

  it('takes --set last, its values as YAML', () => {
    const { tiger, rqvae } = resolveBase('', {
      variant: 'smoke',
      set: ['tiger.dropout=0.3', 'rqvae.hiddenDims=[64, 32]', 'tiger.dropout=0.4', 'tiger.separator=true'],
    });
    expect(tiger).toMatchObject({ dropout: 0.4, heads: 2, separator: true });
    expect(rqvae.hiddenDims).toEqual([64, 32]);
  });

  it('drops the keys of the other kind when an override names another type', () => {
    const embed = 'embed-items: { encoder: { type: tfidf-svd, dim: 64 } }\n';
    const { encoder } = resolveBase(embed, { set: ['embed-items.encoder={type: precomputed}'] })['embed-items'];
    expect(encoder).toEqual({ type: 'precomputed' });
  });
});

describe('keys that contradict each other', () => {
  it.each([
    [
      'tiger.encoderReads=items',
      'tiger.separator=true',
      'tiger.encoderReads (--set tiger.encoderReads=items) must be valid, got "items"; separator and userTokens must be off',
    ],
    [
      'tiger.encoderReads=items',
      'train-tiger.histories=sub-sequences',
      'train-tiger.histories (--set train-tiger.histories=sub-sequences) must be valid, got "sub-sequences"; histories must be prefixes',
    ],
    [
      'train-rqvae.maxSteps=0',
      'train-rqvae.maxEpochs=0',
      'train-rqvae.maxEpochs (--set train-rqvae.maxEpochs=0) must be valid, got 0; maxEpochs or maxSteps must be positive',
    ],
  ])('are refused before anything runs: %s, %s', (one, other, message) => {
    expect(() => resolveBase('', { set: [one, other] })).toThrow(`pipelines: ${message}`);
  });
});

describe('an unknown key', () => {
  it.each([
    [
      'tiger.dropuot',
      'tigerr: {}\n',
      'key tigerr (shop.yaml:10) must be a known one, got tigerr; the nearest is tiger',
    ],
    ['a section', 'rqvea: {}\n', 'key rqvea (shop.yaml:10) must be a known one, got rqvea; the nearest is rqvae'],
    [
      'a key of a section',
      'rqvae:\n  levels: 2\n  codebokSize: 8\n',
      'key rqvae.codebokSize (shop.yaml:12) must be a known one, got codebokSize; the nearest is rqvae.codebookSize',
    ],
    [
      'a key of a variant that is not asked for',
      'paper:\n  tiger: { head: 6 }\n',
      'key tiger.head (shop.yaml:11) must be a known one, got head; the nearest is tiger.heads',
    ],
    [
      'a key that lives in another section',
      'dropout: 0.2\n',
      'key dropout (shop.yaml:10) must be a known one, got dropout; the nearest is tiger.dropout',
    ],
  ])('is an error that names the line and the nearest key: %s', (_, more, message) => {
    expect(() => resolveBase(more)).toThrow(`pipelines: ${message}`);
  });

  it('is named before what it leaves missing', () => {
    const columns = '{ usr: u, item: i, timestamp: t }';
    const set = [`fetch-data.layouts=[{ interactions: { type: table, file: a.csv, columns: ${columns} } }]`];
    expect(() => resolveBase('', { set })).toThrow(
      /key fetch-data\.layouts\.0\.interactions\.columns\.usr .* got usr; the nearest is .*columns\.user/,
    );
  });

  it('is an error in --set too', () => {
    expect(() => resolveBase('', { set: ['tiger.dropuot=0.2'] })).toThrow(
      'pipelines: key tiger.dropuot (--set tiger.dropuot=0.2) must be a known one, got dropuot; the nearest is tiger.dropout',
    );
  });
});

describe('a wrong value', () => {
  it('is an error that names key, line and value', () => {
    expect(() => resolveBase('rqvae:\n  levels: three\n')).toThrow(
      'pipelines: rqvae.levels (shop.yaml:11) must be valid, got "three"; invalid input: expected number, received string',
    );
  });

  it('is an error in --set too', () => {
    expect(() => resolveBase('', { set: ['tiger.dropout=2'] })).toThrow(
      'pipelines: tiger.dropout (--set tiger.dropout=2) must be valid, got 2',
    );
  });
});

describe('data that are made up', () => {
  const resolve = (fetching: string) => resolveConfig('shop.yaml', `fetch-data: ${fetching}`);

  it('need no files', () => {
    const { config } = resolve('{ sessions: { users: 10 } }');
    expect(config['fetch-data'].sessions).toEqual({ tracks: 3000, users: 10, episodes: 72_000 });
    expect(resolve('{ synthetic: {} }').config['fetch-data'].layouts).toEqual([]);
  });

  it.each([
    ['{}', 'fetch-data.layouts (shop.yaml) must be valid, got nothing; expected one at least, unless data are made up'],
    ['{ synthetic: {}, sessions: {} }', 'expected one kind of made-up data, not both synthetic and sessions'],
  ])('or else are an error: %s', (fetching, message) => {
    expect(() => resolve(fetching)).toThrow(message);
  });
});

describe('data that come split', () => {
  const split = (file: string) => `{ type: session-lines, file: ${file} }`;
  const layouts = `[{ interactions: { type: presplit, train: ${split('train.txt')}, test: ${split('test.txt')} } }]`;
  const fetching = `fetch-data: { layouts: ${layouts} }\n`;

  it('are compared on as they are split', () => {
    const comparison = `${fetching}recommenders: [{ model: most-popular }]\n`;
    const of = (type: string) => () => resolveConfig('a.yaml', `${comparison}protocol: { split: { type: ${type} } }`);
    expect(of('given')).not.toThrow();
    expect(of('temporal-leave-k-out')).toThrow(
      /layouts\.0\.interactions\.type .* expected protocol\.split of type given for presplit interactions, not temporal/,
    );
  });

  it('are refused by a line that splits by itself', () => {
    expect(() => resolveConfig('a.yaml', fetching)).toThrow(
      /layouts\.0\.interactions\.type .* got "presplit"; expected interactions in one file: this line leaves the last one out/,
    );
  });
});

describe('an experiment', () => {
  const text = `fetch-data:
  sessions: { users: 100 }
recommenders: [{ model: core }, { model: core, name: other }]
experiment:
  name: CORE
`;
  const resolve = (set: string[], config = text) =>
    resolveConfig('ab.yaml', config, { set }).config as ExperimentConfig;

  it("has the seed's treatments and TIGER, unless it says otherwise", () => {
    const { experiment } = resolve([]);
    const treatments = ['sticky-artist', 'indexed-in-order', 'restart-when-bored', 'indexed', 'tiger'];
    expect(experiment).toMatchObject({ treatments, k: 100, against: [] });
    const set = ['experiment.treatments=[random, other, core]', 'experiment.against=[core]', 'experiment.lists=other'];
    expect(resolve(set).experiment.treatments).toEqual(['random', 'other', 'core']);
  });

  it.each([
    [
      'a treatment that is none',
      ['experiment.treatments=[random, stiky-artist]'],
      /experiment\.treatments\.1 \(--set .*\) must be valid, got "stiky-artist"; expected one of random, sticky-artist, .*, tiger, core, other$/,
    ],
    [
      'one twice',
      ['experiment.treatments=[random, core, core]'],
      /treatments\.2 .*expected what no other treatment is/,
    ],
    ['one alone', ['experiment.treatments=[random]'], /experiment\.treatments .*must be valid/],
    ['another control that is none', ['experiment.against=[core]'], /against\.0 .*expected one of indexed-in-order, /],
    ['lists of nobody', ['experiment.lists=ease'], /experiment\.lists .*got "ease"; expected one of core, other/],
    [
      'a recommender by the name of a policy',
      ['recommenders=[{ model: core, name: tiger }]'],
      /recommenders\.0 .*expected a name that no policy has, not tiger/,
    ],
    ['an unknown key', ['experiment.treatment=random'], /the nearest is experiment\.treatments/],
  ])('is refused with %s', (_, set, message) => {
    expect(() => resolve(set)).toThrow(message);
  });

  it('is refused with data that nobody can be asked about', () => {
    const real = text.replace('sessions: { users: 100 }', 'layouts: [{ interactions: { type: amazon, file: a.gz } }]');
    expect(() => resolve([], real)).toThrow(
      /fetch-data\.sessions .*got nothing; expected sizes: listeners of an experiment are simulated/,
    );
  });
});

it.each([
  ['--set without a value', { set: ['tiger.dropout'] }, '--set must be key=value, got tiger.dropout'],
  ['--set of no YAML', { set: ['seed=[1'] }, 'the value of --set must be YAML, got seed=[1'],
  ['a variant that is not there', { variant: 'paper' as const }, 'must have a section paper for --paper, got smoke'],
])('%s is an error', (_, overrides, message) => {
  expect(() => resolveBase('', overrides)).toThrow(message);
});

it('a file that is no YAML is an error that names the line', () => {
  expect(() => resolveConfig('shop.yaml', 'seed: 1\ntiger: { dropout: 0.1\n')).toThrow(
    /^pipelines: shop\.yaml:\d+ must be valid YAML/,
  );
});

it('a file that is no mapping is an error', () => {
  expect(() => resolveConfig('shop.yaml', '- seed')).toThrow('shop.yaml must be a mapping of sections, got ["seed"]');
});

describe.each(readdirSync(folder))('configs/%s', (file) => {
  const text = readFileSync(join(folder, file), 'utf8');

  it.each([undefined, ...variants])('is valid, %s', (variant) => {
    if (variant !== undefined && !text.includes(`\n${variant}:`)) return;
    expect(resolveConfig(file, text, { variant }).config.seed).toBe(42);
  });
});
