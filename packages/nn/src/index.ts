export { countParams, disposeParams, flattenParams, mapParams, type Params } from './params.js';
