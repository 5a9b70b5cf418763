import { type ConfigPath, type ConfigSection, checkConfig, isSection, parseConfigFile } from '@codebeam/data';
import { parse } from 'yaml';
import { type Config, comparisonSchema, experimentSchema, pipelineSchema, type Variant, variants } from './config.js';
import { lineOf as lineOfConfig } from './pipeline.js';

const schemas = { generative: pipelineSchema, recommenders: comparisonSchema, experiment: experimentSchema };

export interface ConfigOverrides {
  /** The section of the file that overrides the recipe. */
  variant?: Variant | undefined;
  /** `path=value` each, the value in YAML; later ones win. */
  set?: readonly string[];
}

/**
 * The config of a run: the file's recipe, overridden by one of its variants, overridden by `--set`, completed with the
 * defaults of the schemas; and the variants that the file has, which are checked too when not asked for.
 *
 * @param file  what to call the text in errors
 * @throws RangeError naming key, file and line (or `--set`) of whatever is unknown or wrong
 */
export function resolveConfig(
  file: string,
  text: string,
  { variant, set = [] }: ConfigOverrides = {},
): { config: Config; sections: Variant[] } {
  const { recipe, sections, lineOf } = parseFile(file, text);
  const schema = schemas[lineOfConfig(recipe)];
  const check = (
    config: ConfigSection,
    used: Variant | undefined,
    chosen: readonly { path: ConfigPath; text: string }[],
  ) => {
    const origin = (path: ConfigPath) => {
      const override = chosen.findLast((one) => isPrefix(one.path, path) || isPrefix(path, one.path));
      if (override) return `--set ${override.text}`;
      const line = (used && lineOf([used, ...path])) ?? lineOf(path);
      return line === undefined ? file : `${file}:${line}`;
    };
    return checkConfig<typeof schema>('pipelines', schema, config, origin);
  };

  check(recipe, undefined, []);
  for (const [name, section] of Object.entries(sections)) check(merge(recipe, section), name as Variant, []);
  if (variant !== undefined && !sections[variant]) {
    throw new RangeError(
      `pipelines: ${file} must have a section ${variant} for --${variant}, got ${Object.keys(sections).join(', ') || 'none such'}; add one with what it changes`,
    );
  }
  const overrides = set.map(parseOverride);
  const merged = overrides.reduce<ConfigSection>(
    (config, { path, value }) => merge(config, nest(path, value)),
    variant === undefined ? recipe : merge(recipe, sections[variant]!),
  );
  return { config: check(merged, variant, overrides), sections: Object.keys(sections) as Variant[] };
}

function parseFile(file: string, text: string) {
  const { content, lineOf } = parseConfigFile('pipelines', file, text);
  const recipe = { ...content };
  const sections: { [V in Variant]?: ConfigSection } = {};
  for (const variant of variants) {
    if (!(variant in recipe)) continue;
    const section = recipe[variant] ?? {};
    if (!isSection(section)) {
      throw new RangeError(`pipelines: ${file} must have sections in ${variant}, got ${JSON.stringify(section)}`);
    }
    sections[variant] = section;
    delete recipe[variant];
  }
  return { recipe, sections, lineOf };
}

function parseOverride(text: string): { path: string[]; value: unknown; text: string } {
  const equals = text.indexOf('=');
  if (equals < 1) {
    throw new RangeError(`pipelines: --set must be key=value, got ${text}; write for example tiger.dropout=0.2`);
  }
  try {
    return { path: text.slice(0, equals).split('.'), value: parse(text.slice(equals + 1)), text };
  } catch (error) {
    const reason = (error as Error).message.split('\n')[0];
    throw new RangeError(`pipelines: the value of --set must be YAML, got ${text}; ${reason}`);
  }
}

const nest = (path: readonly string[], value: unknown): ConfigSection => ({
  [path[0]]: path.length === 1 ? value : nest(path.slice(1), value),
});

/** Mappings merge key by key; all else is replaced, and so is a mapping of another `type`, whose keys are others. */
function merge(base: ConfigSection, override: ConfigSection): ConfigSection {
  const merged = { ...base };
  for (const [key, value] of Object.entries(override)) {
    const before = merged[key];
    const replaces = !isSection(before) || !isSection(value) || ('type' in value && value.type !== before.type);
    merged[key] = replaces ? value : merge(before, value);
  }
  return merged;
}

const isPrefix = (prefix: ConfigPath, path: ConfigPath) => prefix.every((key, i) => String(key) === String(path[i]));
