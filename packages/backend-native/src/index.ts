export type { Addon, Address } from './addon.js';
export { NativeBackend, type Precision } from './backend.js';
export { fallbackCounts } from './fallback.js';
export { registerNativeBackend } from './register.js';
