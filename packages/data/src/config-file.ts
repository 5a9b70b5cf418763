import { type Document, isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import * as z from 'zod';
import { type KeySchema, nearestKey, valuesAt } from './nearest-key.js';

export type ConfigPath = readonly (string | number)[];
export type ConfigSection = { [key: string]: unknown };

export interface ConfigFile {
  content: ConfigSection;
  /** The line of the key at the end of a path, where the file has it. */
  lineOf(path: ConfigPath): number | undefined;
}

/**
 * Reads the text of a YAML file; an empty one has no keys.
 *
 * @param owner  package that errors begin with
 * @param file   what to call the text in errors
 * @throws RangeError naming the file and line that is no YAML, or a file that is no mapping
 */
export function parseConfigFile(owner: string, file: string, text: string): ConfigFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [error] = document.errors;
  if (error) {
    const { line } = lines.linePos(error.pos[0]);
    const reason = error.message.split(/ at line |\n/)[0];
    throw new RangeError(`${owner}: ${file}:${line} must be valid YAML, got: ${reason}; correct that line`);
  }
  const content: unknown = document.toJS() ?? {};
  if (!isSection(content)) {
    throw new RangeError(`${owner}: ${file} must be a mapping of sections, got ${JSON.stringify(content)}`);
  }
  return { content, lineOf: (path) => lineOf(document, lines, path) };
}

/**
 * Completes a config with its schema's defaults.
 *
 * @param origin  where a key comes from, for errors
 * @throws RangeError naming key and origin of the first that is unknown (with the nearest known one) or wrong
 */
export function checkConfig<S extends z.ZodType>(
  owner: string,
  schema: S,
  config: ConfigSection,
  origin: (path: ConfigPath) => string,
): z.output<S> {
  const result = schema.safeParse(config);
  if (result.success) return result.data;
  const { issues } = result.error;
  // What is misspelt is missing too, and its name tells more.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  throw new RangeError(`${owner}: ${describe(issue, config, origin, schema)}`);
}

/** {@link parseConfigFile} and {@link checkConfig} for a file that says it all. */
export function readConfig<S extends z.ZodType>(owner: string, schema: S, file: string, text: string): z.output<S> {
  const { content, lineOf } = parseConfigFile(owner, file, text);
  return checkConfig(owner, schema, content, (path) => {
    const known = path.map((_, i) => lineOf(path.slice(0, path.length - i))).find((line) => line !== undefined);
    return known === undefined ? file : `${file}:${known}`;
  });
}

export const isSection = (value: unknown): value is ConfigSection =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function lineOf(document: Document, lines: LineCounter, path: ConfigPath): number | undefined {
  const holder = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const pair = isMap(holder) ? holder.items.find(({ key }) => isScalar(key) && key.value === path.at(-1)) : undefined;
  return isScalar(pair?.key) && pair.key.range ? lines.linePos(pair.key.range[0]).line : undefined;
}

function describe(
  issue: z.core.$ZodIssue,
  config: ConfigSection,
  origin: (path: ConfigPath) => string,
  schema: z.ZodType,
): string {
  const path = issue.path as (string | number)[];
  const keys = () => z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as KeySchema;
  if (issue.code === 'unrecognized_keys') {
    const [key] = issue.keys;
    const name = [...path, key].join('.');
    const nearest = nearestKey(keys(), path, key);
    return `key ${name} (${origin([...path, key])}) must be a known one, got ${key}; the nearest is ${nearest}`;
  }
  const value = path.reduce<unknown>((at, key) => (at as ConfigSection | undefined)?.[key], config);
  const known = issue.code === 'invalid_union' ? valuesAt(keys(), path) : [];
  const message = known.length > 0 ? `expected one of ${known.join(', ')}` : issue.message;
  const reason = message.replace(/^./, (first) => first.toLowerCase());
  const got = value === undefined ? 'nothing' : JSON.stringify(value);
  return `${path.join('.')} (${origin(path)}) must be valid, got ${got}; ${reason}`;
}
