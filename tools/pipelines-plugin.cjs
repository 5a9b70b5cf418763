/**
 * Nx plugin: every `pipelines/configs/<name>.yaml` becomes the targets `<name>:<stage>` and the umbrella `<name>`.
 * Plain JavaScript, because a plugin in TypeScript needs a compiler that Nx would have to load first.
 */
const { createHash } = require('node:crypto');
const { existsSync, readdirSync, readFileSync } = require('node:fs');
const { basename, join } = require('node:path');
const { parse } = require('yaml');

/** Nx configurations. Each is offered where the config has a section of that name, which overrides the recipe. */
const variants = ['smoke', 'paper', 'sample'];

exports.name = 'pipelines-plugin';

exports.createNodesV2 = [
  'pipelines/configs/*.yaml',
  (files, _options, { workspaceRoot }) => {
    const lines = parse(readFileSync(join(workspaceRoot, 'pipelines/stages.yaml'), 'utf8'));
    for (const stages of Object.values(lines)) checkPackages(stages, workspaceRoot);
    return files.map((file) => {
      const targets = targetsOf(file, lines, workspaceRoot);
      return [file, { projects: { pipelines: { root: 'pipelines', targets } } }];
    });
  },
];

/** Nx ignores an unknown project name in `inputs` without a word, and would then serve stale results. */
function checkPackages(stages, workspaceRoot) {
  const folder = join(workspaceRoot, 'packages');
  const known = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'package.json')));
  for (const [stage, { packages }] of Object.entries(stages)) {
    const unknown = packages.find((name) => !known.includes(name));
    if (unknown === undefined) continue;
    throw new Error(
      `pipelines: packages of stage ${stage} must be folders of packages/, got ${unknown}; mend pipelines/stages.yaml`,
    );
  }
}

function targetsOf(file, lines, workspaceRoot) {
  const name = basename(file, '.yaml');
  if (!/^[a-z0-9][a-z0-9-]*$/.test(name) || name === 'build') {
    throw new Error(
      `pipelines: a config's name must be of a-z, 0-9 and -, and not build, got ${name}; rename ${file}, it names the targets`,
    );
  }
  const config = readConfig(join(workspaceRoot, file));
  const stages = lines[lineOf(config, lines)];
  const offered = variants.filter((variant) => typeof config === 'string' || variant in config);
  const configurations = (of) => Object.fromEntries(offered.map((variant) => [variant, of(variant)]));
  const shared = { executor: 'nx:run-commands' };

  const targets = {};
  for (const [stage, { code = stage, reads, packages, sections }] of Object.entries(stages)) {
    const command = `node pipelines/dist/run-stage.js ${stage} --config ${file}`;
    targets[`${name}:${stage}`] = {
      ...shared,
      // What lies in a folder that git ignores is no input to Nx, so fetch-data always looks.
      cache: stage !== 'fetch-data',
      parallelism: !/^(train|fit|run)-/.test(stage),
      dependsOn: ['build', ...reads.map((read) => ({ target: `${name}:${read}`, params: 'forward' }))],
      inputs: [
        { runtime: `echo ${digest(config, ['seed', ...sections])}` },
        '{projectRoot}/*.ts',
        `{projectRoot}/stages/${code}.ts`,
        { projects: packages.map((name) => `@codebeam/${name}`), input: 'production' },
        'sharedGlobals',
        { env: 'CODEBEAM_BACKEND' },
        ...(reads.length > 0 ? [{ dependentTasksOutputFiles: 'checkpoints/**/*', transitive: false }] : []),
      ],
      outputs: [`{workspaceRoot}/checkpoints/{options.run}/${stage}`],
      // `run` is no option of run-commands, which therefore appends it to the command, from here or from the command line.
      options: { cwd: '{workspaceRoot}', command, run: name },
      configurations: configurations((variant) => ({ command: `${command} --${variant}`, run: `${name}-${variant}` })),
    };
  }
  // A command, not a dependency on the last stage: Nx fixes outputs before anything runs, so where there are neither
  // data nor network no stage could move itself to the sample's folder. The command looks first and then calls Nx.
  const command = `node pipelines/dist/run.js ${name}`;
  targets[name] = {
    ...shared,
    cache: false,
    dependsOn: ['build'],
    options: { cwd: '{workspaceRoot}', command },
    configurations: configurations((variant) => ({ command: `${command} --${variant}` })),
  };
  return targets;
}

/** The line that a config goes along: the last that it has a section for, else the generative one. As in pipeline.ts. */
function lineOf(config, lines) {
  return Object.keys(lines).findLast((line) => typeof config === 'object' && line in config) ?? 'generative';
}

/** The parsed config, or its text where it does not parse: the stage itself then says what is wrong, with the line. */
function readConfig(path) {
  const text = readFileSync(path, 'utf8');
  try {
    const config = parse(text);
    return typeof config === 'object' && config !== null ? config : text;
  } catch {
    return text;
  }
}

/** Stands for the parts of the config that a stage sees. With the whole file as input, any edit would rerun every stage. */
function digest(config, sections) {
  const pick = (part) => sections.map((section) => part?.[section] ?? null);
  const seen =
    typeof config === 'string' ? config : [pick(config), ...variants.map((variant) => pick(config[variant]))];
  return createHash('sha256').update(JSON.stringify(seen)).digest('hex');
}
