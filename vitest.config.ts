import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{broker,renderer,infra,client,test}/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/.tsc/**', '**/dist/**', 'test/e2e/**', 'test/peers/**'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
