export { createGenerator, type Generator, permutation, shuffle, writeBlock } from './generator.js';
export { createKey, foldIn, type Key, type Purpose } from './key.js';
export { philox } from './philox.js';
