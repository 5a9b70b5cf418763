import { defineConfig } from 'vitest/config';

const conditions = ['@codebeam/source'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'pipelines/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    pool: 'forks',
    maxWorkers: '100%', // by default one core is left free: half of two
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
