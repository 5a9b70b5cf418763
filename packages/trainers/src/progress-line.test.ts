import { describe, expect, it } from 'vitest';
import { duration } from './progress-line.js';

describe('duration', () => {
  it('uses the two largest units', () => {
    expect([0.4, 59.6, 61, 3599, 3600, 86_399].map(duration)).toEqual([
      '0s',
      '1m 00s',
      '1m 01s',
      '59m 59s',
      '1h 00m',
      '24h 00m',
    ]);
  });
});
