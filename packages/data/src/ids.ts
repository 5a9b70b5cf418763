/**
 * A source's id as text.
 *
 * @param what  what to call it in errors
 * @throws SyntaxError when it is missing, no longer exact, or a text of several lines, which is no id but a stray quote's doing
 */
export function idOf(value: unknown, what: string): string {
  if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER) {
    throw new SyntaxError(`${what} must be an id that is exact as a number, got about ${value}: write it as a text`);
  }
  if (typeof value === 'string' && value !== '' && !value.includes('\n')) return value;
  if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isNaN(value))) return String(value);
  throw new SyntaxError(`${what} must be an id, got ${shown(value)}`);
}

/**
 * Of a user on two lines nobody could tell which items come first.
 *
 * @param lineOf  the line of each user so far
 */
export function checkFirstLine(path: string, line: number, user: string, lineOf: Map<string, number>): void {
  const first = lineOf.get(user);
  if (first !== undefined) {
    throw new Error(
      `data: ${path}:${line} must be of a user of its own, got ${JSON.stringify(user)} as in line ${first}; join the two`,
    );
  }
  lineOf.set(user, line);
}

/** A value as number; NaN of what is none. */
export function numberOf(value: unknown): number {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
}

/** A value in an error. */
export function shown(value: unknown): string {
  if (typeof value === 'bigint' || Number.isNaN(value)) return String(value);
  return JSON.stringify(value)?.slice(0, 40) ?? 'nothing';
}
