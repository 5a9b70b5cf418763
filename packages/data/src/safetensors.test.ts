import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeSafetensors, encodeSafetensors } from './safetensors.js';

const fixture = new Uint8Array(readFileSync(new URL('../fixtures/python.safetensors', import.meta.url)));

function withHeader(header: unknown, dataBytes: number): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

describe('decodeSafetensors', () => {
  it('reads a file of the reference implementation', () => {
    expect(decodeSafetensors(fixture)).toEqual({
      metadata: { note: 'écrit par Python' },
      tensors: {
        weight: { dtype: 'F32', shape: [2, 3], data: Float32Array.of(0, 0.25, 0.5, 0.75, 1, 1.25) },
        bias: { dtype: 'F32', shape: [1], data: Float32Array.of(-1.5) },
        scalar: { dtype: 'F64', shape: [], data: Float64Array.of(0.1) },
        steps: { dtype: 'I64', shape: [2], data: BigInt64Array.of(2n ** 40n, -1n) },
        codes: { dtype: 'I32', shape: [2, 2], data: Int32Array.of(1, -2, 3, 4) },
        half: { dtype: 'F16', shape: [3], data: Uint16Array.of(0x3c00, 0xc000, 0x3800) },
        mask: { dtype: 'BOOL', shape: [3], data: Uint8Array.of(1, 0, 1) },
        empty: { dtype: 'F32', shape: [0, 4], data: new Float32Array(0) },
      },
    });
  });

  it('copies nothing when the bytes are aligned, and copies what is not', () => {
    const { tensors } = decodeSafetensors(fixture);
    for (const { data } of Object.values(tensors)) expect(data.buffer).toBe(fixture.buffer);
    const shifted = new Uint8Array(fixture.length + 1).subarray(1);
    shifted.set(fixture);
    expect(decodeSafetensors(shifted)).toEqual(decodeSafetensors(fixture));
    expect(decodeSafetensors(Buffer.from(shifted.buffer, 1))).toEqual(decodeSafetensors(fixture));
  });

  const tensor = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
  it.each([
    ['is too short', Uint8Array.of(1, 2), 'must begin with 8 bytes of header length, got 2 bytes'],
    [
      'claims a longer header than it has',
      fixture.subarray(0, 40),
      'must hold its header in 40 bytes, got a header that ends at',
    ],
    ['has a header that is not JSON', withHeader('{"a": ', 0), 'must have a valid JSON header, got'],
    ['has an unknown dtype', withHeader({ a: { ...tensor, dtype: 'F4' } }, 8), 'must have a valid JSON header, got'],
    ['has a negative shape', withHeader({ a: { ...tensor, shape: [-2] } }, 8), 'must have a valid JSON header, got'],
    ['has metadata that is not text', withHeader({ __metadata__: { a: 1 } }, 0), 'must have a valid JSON header, got'],
    [
      'has offsets that disagree with a shape',
      withHeader({ a: { ...tensor, shape: [3] } }, 8),
      'must hold tensor a, F32 [3], in bytes 0 to 12 of its data, got 0 to 8',
    ],
    [
      'has overlapping tensors',
      withHeader({ a: tensor, b: tensor }, 8),
      'must hold tensor b, F32 [2], in bytes 8 to 16 of its data, got 0 to 8',
    ],
    [
      'has a gap',
      withHeader({ a: { ...tensor, data_offsets: [4, 12] } }, 12),
      'in bytes 0 to 8 of its data, got 4 to 12',
    ],
    ['is cut short', fixture.subarray(0, -1), 'the file is damaged'],
    ['has bytes left over', withHeader({ a: tensor }, 9), 'must be 70 bytes long, got 71'],
  ])('refuses a file that %s', (_, bytes, message) => {
    expect(() => decodeSafetensors(bytes, 'model.safetensors')).toThrow(RangeError);
    expect(() => decodeSafetensors(bytes, 'model.safetensors')).toThrow('data: model.safetensors must');
    expect(() => decodeSafetensors(bytes, 'model.safetensors')).toThrow(message);
  });
});

describe('encodeSafetensors', () => {
  it('writes the bytes of the reference implementation, in whatever order the tensors come', () => {
    const { tensors, metadata } = decodeSafetensors(fixture);
    const reversed = Object.fromEntries(Object.entries(tensors).reverse());
    expect(encodeSafetensors(reversed, metadata)).toEqual(fixture);
  });

  it('gives back any names and values', () => {
    const tensors = fc.dictionary(
      fc.string().filter((name) => name !== '__metadata__'),
      fc.float32Array().map((data) => ({ dtype: 'F32' as const, shape: [1, data.length], data })),
    );
    fc.assert(
      fc.property(tensors, fc.dictionary(fc.string(), fc.string()), (tensors, metadata) => {
        const decoded = decodeSafetensors(encodeSafetensors(tensors, metadata));
        expect(Object.entries(decoded.tensors).sort()).toEqual(Object.entries(tensors).sort());
        expect(Object.entries(decoded.metadata).sort()).toEqual(Object.entries(metadata).sort());
      }),
      { seed: 1 },
    );
  });

  it('starts the data at a multiple of 8', () => {
    for (const name of ['a', 'ab', 'abc', 'abcd', 'abcde', 'abcdef', 'abcdefg', 'abcdefgh']) {
      const bytes = encodeSafetensors({ [name]: { dtype: 'F64', shape: [1], data: Float64Array.of(1) } });
      expect(bytes.length % 8).toBe(0);
      expect(decodeSafetensors(bytes).tensors[name].data.buffer).toBe(bytes.buffer);
    }
  });

  it('refuses data that does not fill its shape, and a reserved name', () => {
    const tensor = { dtype: 'F32', shape: [2, 2], data: new Float32Array(3) } as const;
    expect(() => encodeSafetensors({ weight: tensor })).toThrow(
      'data: tensor weight must hold 4 values for F32 [2,2], got 3 in Float32Array',
    );
    expect(() => encodeSafetensors({ __metadata__: { ...tensor, shape: [3] } })).toThrow('must not be __metadata__');
  });
});
