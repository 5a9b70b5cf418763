import { InvalidArgumentError } from 'commander';

/** An option that random numbers begin with. */
export function parseSeed(text: string): number {
  const value = Number(text);
  if (!(Number.isSafeInteger(value) && value >= 0)) throw new InvalidArgumentError('It must be a whole number from 0.');
  return value;
}
