export { type CoOccurrenceOptions, fitCoOccurrence } from './co-occurrence.js';
export type { FitOptions } from './fit-options.js';
export { fitMarkov } from './markov.js';
export { fitMostPopular } from './most-popular.js';
