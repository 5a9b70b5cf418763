import { InvalidArgumentError } from 'commander';

/** An option that counts something. */
export function parseCount(text: string): number {
  const value = Number(text);
  if (!(Number.isSafeInteger(value) && value > 0)) throw new InvalidArgumentError('It must be a positive integer.');
  return value;
}
