import { assignSemanticIds } from '@codebeam/rqvae';
import { describe, expect, it } from 'vitest';
import { blockItems, createPrefixTrie } from './prefix-trie.js';

// Items 0 and 3 share both codes; the third position is the collision code.
const ids = assignSemanticIds(Int32Array.from([1, 0, 0, 2, 1, 1, 1, 0]), 2, 3);

describe('createPrefixTrie', () => {
  const trie = createPrefixTrie(ids);
  const childrenOf = (node: number) =>
    Array.from({ length: trie.firstChild[node + 1] - trie.firstChild[node] }, (_, i) => trie.firstChild[node] + i);

  it('numbers nodes level by level, children in the order of their codes', () => {
    expect(Array.from(trie.code)).toEqual([-1, 0, 1, 2, 0, 1, 0, 0, 1, 0]);
    expect(childrenOf(0)).toEqual([1, 2]);
    expect(childrenOf(1)).toEqual([3]);
    expect(childrenOf(2)).toEqual([4, 5]);
    expect(childrenOf(4)).toEqual([7, 8]);
    expect(childrenOf(9)).toEqual([]);
  });

  it('holds each item at the leaf that its codes lead to', () => {
    expect(trie.firstLeaf).toBe(6);
    expect(Array.from(trie.itemOfLeaf)).toEqual([1, 0, 3, 2]);
    expect(Array.from(trie.leafOfItem)).toEqual([7, 6, 9, 8]);
  });

  it('counts the items below each node', () => {
    expect(Array.from(trie.items)).toEqual([4, 1, 3, 1, 2, 1, 1, 1, 1, 1]);
  });

  it('refuses IDs that two items share, and an empty catalogue', () => {
    expect(() =>
      createPrefixTrie({ levels: 1, sizes: [2, 1], codes: Int32Array.from([1, 0, 1, 0]), numItems: 2 }),
    ).toThrow('tiger: semantic IDs must be unique, got 2 items with 1 IDs');
    expect(() => createPrefixTrie({ levels: 1, sizes: [2, 1], codes: new Int32Array(0), numItems: 0 })).toThrow(
      'at least one item',
    );
  });
});

describe('blockItems', () => {
  it('blocks a node once everything below it is excluded, counting repeated items once', () => {
    const trie = createPrefixTrie(ids);
    expect(Array.from(blockItems(trie, [0, 0]))).toEqual([7]);
    const both = blockItems(trie, [0, 3]);
    expect([4, 2, 5].map((node) => both.includes(node))).toEqual([true, false, false]);
    expect(blockItems(trie, [0, 1, 2, 3])[0]).toBe(0);
  });
});
