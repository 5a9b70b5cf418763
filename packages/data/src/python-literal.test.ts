import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPythonLiteral, type PythonValue, parsePythonLiteral } from './python-literal.js';

/** As Python 2 wrote unicode strings: everything beyond ASCII escaped. */
const escaped = (literal: string) =>
  literal.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

describe('formatPythonLiteral', () => {
  it('writes as repr does', () => {
    expect(formatPythonLiteral({ a: ["it's", 'a "b"', `'"`, 'tab\t\x01é\\'], b: null, c: true, d: -1.5 })).toBe(
      `{'a': ["it's", 'a "b"', '\\'"', 'tab\\t\\x01é\\\\'], 'b': None, 'c': True, 'd': -1.5}`,
    );
  });
});

describe('parsePythonLiteral', () => {
  it('gives back what formatPythonLiteral writes, escaped beyond ASCII or not', () => {
    const { value } = fc.letrec<{ value: PythonValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.string({ unit: 'binary' }),
        fc.string(),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value') as fc.Arbitrary<PythonValue>, { maxLength: 4 }),
        fc.dictionary(fc.string(), tie('value') as fc.Arbitrary<PythonValue>, { maxKeys: 4, noNullPrototype: false }),
      ) as fc.Arbitrary<PythonValue>,
    }));
    fc.assert(
      fc.property(value, fc.boolean(), (python, ascii) => {
        const literal = formatPythonLiteral(python);
        expect(parsePythonLiteral(ascii ? escaped(literal) : literal)).toEqual(python);
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ["{'a': u'b', 'c': (1, 2L, -3.5e2,), }", { a: 'b', c: [1, 2, -350] }],
    [' [ ] ', []],
    ['()', []],
    ['(7)', 7],
    ['(7,)', [7]],
    ["{1: 'x', None: True}", { 1: 'x', null: true }],
    ['"it\'s" \' "so"\'', 'it\'s "so"'],
    ["'''x'''", 'x'],
    ["r'\\n\\'' b'\\xe9\\u00e9'", "\\n\\'é\\u00e9"],
    ["'\\101\\0\\q\\a\\v'", 'A\0\\q\x07\v'],
    ["u'\\ud83d\\ude00 \\U0001f600'", '😀 😀'],
    ['0x1F', 31],
    ['1_000.5', 1000.5],
  ])('reads %s', (text, value) => {
    expect(parsePythonLiteral(text)).toEqual(value);
  });

  it('takes __proto__ for a key like any other', () => {
    const dict = parsePythonLiteral("{'__proto__': {'polluted': True}}") as Record<string, unknown>;
    expect(Object.keys(dict)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it.each([
    ["{'a': 1", "expected ',' or '}' at column 8, got the end"],
    ["{'a' 1}", 'expected \':\' at column 6, got "1}"'],
    ["{'a': 'b", 'string from column 7 is not closed'],
    ["'a\\", 'string from column 1 is not closed'],
    ['[1, 2', "expected ',' or ']' at column 6"],
    ["__import__('os')", 'expected a value at column 1, got "__import__(\'"'],
    ['[nan]', 'expected a value at column 2'],
    ['1 2', 'expected the end at column 3'],
    ['', 'expected a value at column 1, got the end'],
    ["'\\x4'", 'escape \\x at column 2 is incomplete'],
    ["'\\U00110000'", 'is no character'],
    ['{[]: 1}', 'expected a string or number as key'],
    ['['.repeat(300), 'nested more than 200 levels'],
  ])('refuses %s', (text, message) => {
    expect(() => parsePythonLiteral(text)).toThrow(SyntaxError);
    expect(() => parsePythonLiteral(text)).toThrow(message);
  });
});
