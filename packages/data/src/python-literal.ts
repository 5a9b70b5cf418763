export type PythonValue = string | number | boolean | null | PythonValue[] | { [key: string]: PythonValue };

/**
 * Parses a Python literal as `ast.literal_eval` does, without evaluating anything: strings (both quotes, prefixes u, b
 * and r, escapes, adjacent strings joined), numbers, True, False, None, lists, tuples and dicts.
 * Tuples become arrays; dict keys become strings; integers beyond 2^53 lose digits. Dicts have no prototype, so a key
 * like `__proto__` is only a key.
 *
 * @throws SyntaxError with the column (from 1) at which the text stops being a literal
 */
export function parsePythonLiteral(text: string): PythonValue {
  const parser: Parser = { text, at: 0 };
  const value = parseValue(parser, 0);
  skipSpace(parser);
  if (parser.at < text.length) throw unexpected(parser, 'the end');
  return value;
}

/** A value as Python's `repr` writes it, in printable characters: the inverse of `parsePythonLiteral`. */
export function formatPythonLiteral(value: PythonValue): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return Object.is(value, -0) ? '-0.0' : `${value}`;
  if (typeof value === 'string') return formatString(value);
  if (Array.isArray(value)) return `[${value.map(formatPythonLiteral).join(', ')}]`;
  const entries = Object.entries(value).map(([key, entry]) => `${formatString(key)}: ${formatPythonLiteral(entry)}`);
  return `{${entries.join(', ')}}`;
}

const namedControls: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function formatString(text: string): string {
  // Python prefers single quotes and changes to double ones where that saves escapes.
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(/[\\'"]|\p{Cc}/gu, (character) => {
    if (character === '\\' || character === quote) return `\\${character}`;
    if (character === "'" || character === '"') return character;
    return namedControls[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return quote + escaped + quote;
}

interface Parser {
  readonly text: string;
  /** Place of the next character. */
  at: number;
}

/** Real data nest a few levels; this only guards the stack. */
const maxDepth = 200;
const number =
  /[+-]?(?:0[xX][\da-fA-F]+|0[oO][0-7]+|0[bB][01]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)[lL]?/y;
const word = /[A-Za-z_]\w*/y;
const space = /[ \t\r\n\f]*/y;
const stringStart = /[uUbBrR]{0,2}(?=['"])/y;
const plainRuns = { "'": /[^'\\\n]+/y, '"': /[^"\\\n]+/y };
const words: Record<string, PythonValue> = { True: true, False: false, None: null };

function parseValue(parser: Parser, depth: number): PythonValue {
  if (depth > maxDepth) throw new SyntaxError(`nested more than ${maxDepth} levels at column ${parser.at + 1}`);
  skipSpace(parser);
  const character = parser.text[parser.at];
  if (character === '{') return parseDict(parser, depth);
  if (character === '[') return parseList(parser, ']', depth);
  if (character === '(') return parseList(parser, ')', depth);
  const prefix = match(parser, stringStart);
  if (prefix !== undefined) return parseStrings(parser, prefix);
  const digits = match(parser, number);
  if (digits !== undefined) return parseNumber(digits);
  const start = parser.at;
  const name = match(parser, word);
  if (name !== undefined && Object.hasOwn(words, name)) return words[name];
  parser.at = start;
  throw unexpected(parser, 'a value');
}

function parseDict(parser: Parser, depth: number): PythonValue {
  const dict: { [key: string]: PythonValue } = Object.create(null);
  parser.at++;
  while (!take(parser, '}')) {
    const key = parseValue(parser, depth + 1);
    if (typeof key === 'object' && key !== null) throw unexpected(parser, 'a string or number as key');
    if (!take(parser, ':')) throw unexpected(parser, "':'");
    dict[String(key)] = parseValue(parser, depth + 1);
    if (take(parser, '}')) break;
    if (!take(parser, ',')) throw unexpected(parser, "',' or '}'");
  }
  return dict;
}

function parseList(parser: Parser, end: ']' | ')', depth: number): PythonValue {
  const values: PythonValue[] = [];
  let commas = 0;
  parser.at++;
  while (!take(parser, end)) {
    values.push(parseValue(parser, depth + 1));
    if (take(parser, end)) break;
    if (!take(parser, ',')) throw unexpected(parser, `',' or '${end}'`);
    commas++;
  }
  // One value in parentheses without a comma is that value, not a tuple.
  return end === ')' && values.length === 1 && commas === 0 ? values[0] : values;
}

/** A string and those that follow it directly, which Python joins. */
function parseStrings(parser: Parser, firstPrefix: string): string {
  let joined = '';
  for (let prefix: string | undefined = firstPrefix; prefix !== undefined; ) {
    joined += parseString(parser, prefix.toLowerCase());
    skipSpace(parser);
    prefix = match(parser, stringStart);
  }
  return joined;
}

function parseString(parser: Parser, prefix: string): string {
  const { text } = parser;
  const start = parser.at;
  const quote = text[parser.at++] as "'" | '"';
  const isRaw = prefix.includes('r');
  let value = '';
  for (;;) {
    value += match(parser, plainRuns[quote]) ?? '';
    const character = text[parser.at];
    if (character === quote) {
      parser.at++;
      return value;
    }
    if (character !== '\\') throw new SyntaxError(`string from column ${start + 1} is not closed`);
    if (isRaw) {
      value += text.slice(parser.at, parser.at + 2);
      parser.at += 2;
    } else {
      value += parseEscape(parser, prefix.includes('b'));
    }
  }
}

const simpleEscapes: Record<string, string> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\n': '',
};
const codeEscape = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3}))/y;
const byteEscape = /\\(?:x([\da-fA-F]{2})|([0-7]{1,3}))/y;

/** Python Language Reference, sec. 2.4.1.1; an escape that Python does not know keeps its backslash. */
function parseEscape(parser: Parser, isBytes: boolean): string {
  const start = parser.at;
  const code = match(parser, isBytes ? byteEscape : codeEscape);
  if (code !== undefined) {
    const isOctal = code[1] >= '0' && code[1] <= '7';
    const point = isOctal ? Number.parseInt(code.slice(1), 8) : Number.parseInt(code.slice(2), 16);
    if (point > 0x10ffff) throw new SyntaxError(`escape ${code} at column ${start + 1} is no character`);
    return String.fromCodePoint(point);
  }
  const character = parser.text[start + 1];
  if (!isBytes && 'xuUN'.includes(character ?? ' ')) {
    throw new SyntaxError(`escape \\${character} at column ${start + 1} is incomplete`);
  }
  parser.at += 2;
  return simpleEscapes[character] ?? `\\${character}`;
}

function parseNumber(digits: string): number {
  const plain = digits.replace(/[lL]$/, '').replaceAll('_', '');
  return plain[0] === '-' ? -Number(plain.slice(1)) : Number(plain[0] === '+' ? plain.slice(1) : plain);
}

function skipSpace(parser: Parser): void {
  match(parser, space);
}

function take(parser: Parser, character: string): boolean {
  skipSpace(parser);
  if (parser.text[parser.at] !== character) return false;
  parser.at++;
  return true;
}

/** What a sticky pattern matches at the parser's place, which moves past it; undefined when it does not match. */
function match(parser: Parser, pattern: RegExp): string | undefined {
  pattern.lastIndex = parser.at;
  const found = pattern.exec(parser.text)?.[0];
  if (found !== undefined) parser.at += found.length;
  return found;
}

function unexpected(parser: Parser, expected: string): SyntaxError {
  const rest = parser.text.slice(parser.at, parser.at + 12);
  return new SyntaxError(
    `expected ${expected} at column ${parser.at + 1}, got ${rest === '' ? 'the end' : JSON.stringify(rest)}`,
  );
}
