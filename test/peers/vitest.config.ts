import { defineConfig } from 'vitest/config';

/** Real servers, one after the other: each starts what it faces and leaves nothing behind. */
export default defineConfig({
  root: `${import.meta.dirname}/../..`,
  test: {
    include: ['test/peers/**/*.peer.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 1_200_000,
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
  },
});
