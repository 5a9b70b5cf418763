export type { Choice, Policy, Turn } from './policy.js';
