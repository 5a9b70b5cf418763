export type { Addon, Address } from './addon.js';
export { NativeBackend, type Precision } from './backend.js';
export { fallbackCounts, registerNativeBackend } from './register.js';
