import { type Document, isMap, isScalar, LineCounter, parse, parseDocument } from 'yaml';
import { z } from 'zod';
import {
  type ComparisonConfig,
  comparisonSchema,
  type PipelineConfig,
  pipelineSchema,
  type Variant,
  variants,
} from './config.js';
import { type KeySchema, nearestKey } from './nearest-key.js';

export interface ConfigOverrides {
  /** The section of the file that overrides the recipe. */
  variant?: Variant | undefined;
  /** `path=value` each, the value in YAML; later ones win. */
  set?: readonly string[];
}

type Path = readonly (string | number)[];
type Mapping = { [key: string]: unknown };

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
): { config: PipelineConfig | ComparisonConfig; sections: Variant[] } {
  const { recipe, sections, lineOf } = parseFile(file, text);
  const schema = 'recommenders' in recipe ? comparisonSchema : pipelineSchema;
  const check = (config: Mapping, used: Variant | undefined, chosen: readonly { path: Path; text: string }[]) => {
    const result = schema.safeParse(config);
    if (result.success) return result.data;
    const origin = (path: Path) => {
      const override = chosen.findLast((one) => isPrefix(one.path, path) || isPrefix(path, one.path));
      if (override) return `--set ${override.text}`;
      const line = (used && lineOf([used, ...path])) ?? lineOf(path);
      return line === undefined ? file : `${file}:${line}`;
    };
    throw describe(result.error.issues[0], config, origin, schema);
  };

  check(recipe, undefined, []);
  for (const [name, section] of Object.entries(sections)) check(merge(recipe, section), name as Variant, []);
  if (variant !== undefined && !sections[variant]) {
    throw new RangeError(
      `pipelines: ${file} must have a section ${variant} for --${variant}, got ${Object.keys(sections).join(', ') || 'none such'}; add one with what it changes`,
    );
  }
  const overrides = set.map(parseOverride);
  const merged = overrides.reduce<Mapping>(
    (config, { path, value }) => merge(config, nest(path, value)),
    variant === undefined ? recipe : merge(recipe, sections[variant]!),
  );
  return { config: check(merged, variant, overrides), sections: Object.keys(sections) as Variant[] };
}

function parseFile(file: string, text: string) {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [error] = document.errors;
  if (error) {
    const { line } = lines.linePos(error.pos[0]);
    const reason = error.message.split(/ at line |\n/)[0];
    throw new RangeError(`pipelines: ${file}:${line} must be valid YAML, got: ${reason}; correct that line`);
  }
  const content: unknown = document.toJS() ?? {};
  if (!isMapping(content)) {
    throw new RangeError(`pipelines: ${file} must be a mapping of sections, got ${JSON.stringify(content)}`);
  }
  const recipe = { ...content };
  const sections: { [V in Variant]?: Mapping } = {};
  for (const variant of variants) {
    if (!(variant in recipe)) continue;
    const section = recipe[variant] ?? {};
    if (!isMapping(section)) {
      throw new RangeError(`pipelines: ${file} must have sections in ${variant}, got ${JSON.stringify(section)}`);
    }
    sections[variant] = section;
    delete recipe[variant];
  }
  return { recipe, sections, lineOf: (path: Path) => lineOf(document, lines, path) };
}

/** The line of the key at the end of a path, where the file has it. */
function lineOf(document: Document, lines: LineCounter, path: Path): number | undefined {
  const holder = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const pair = isMap(holder) ? holder.items.find(({ key }) => isScalar(key) && key.value === path.at(-1)) : undefined;
  return isScalar(pair?.key) && pair.key.range ? lines.linePos(pair.key.range[0]).line : undefined;
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

const nest = (path: readonly string[], value: unknown): Mapping => ({
  [path[0]]: path.length === 1 ? value : nest(path.slice(1), value),
});

/** Mappings merge key by key; all else is replaced, and so is a mapping of another `type`, whose keys are others. */
function merge(base: Mapping, override: Mapping): Mapping {
  const merged = { ...base };
  for (const [key, value] of Object.entries(override)) {
    const before = merged[key];
    const replaces = !isMapping(before) || !isMapping(value) || ('type' in value && value.type !== before.type);
    merged[key] = replaces ? value : merge(before, value);
  }
  return merged;
}

const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isPrefix = (prefix: Path, path: Path) => prefix.every((key, i) => String(key) === String(path[i]));

function describe(
  issue: z.core.$ZodIssue,
  config: Mapping,
  origin: (path: Path) => string,
  schema: z.ZodType,
): RangeError {
  const path = issue.path as (string | number)[];
  if (issue.code === 'unrecognized_keys') {
    const [key] = issue.keys;
    const nearest = nearestKey(z.toJSONSchema(schema, { io: 'input' }) as KeySchema, path, key);
    const name = [...path, key].join('.');
    return new RangeError(
      `pipelines: key ${name} (${origin([...path, key])}) must be a known one, got ${key}; the nearest is ${nearest}`,
    );
  }
  const value = path.reduce<unknown>((at, key) => (at as Mapping | undefined)?.[key], config);
  const reason = issue.message.replace(/^./, (first) => first.toLowerCase());
  const got = value === undefined ? 'nothing' : JSON.stringify(value);
  return new RangeError(`pipelines: ${path.join('.')} (${origin(path)}) must be valid, got ${got}; ${reason}`);
}
