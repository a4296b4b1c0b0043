import { expect, test } from 'vitest';
import { prefetch, type Progress } from './prefetch.ts';

function archive(broken: readonly string[] = []) {
  const loaded: string[] = [];
  const load = async (imageId: string) => {
    if (broken.includes(imageId)) throw new Error('not to be had');
    loaded.push(imageId);
  };
  return { loaded, load, isLoaded: (imageId: string) => loaded.includes(imageId) };
}

const imageIds = ['0', '1', '2', '3', '4', '5'];

test('the neighbours of the image looked at come first', async () => {
  const { loaded, ...rest } = archive();

  await prefetch(
    { imageIds, currentIndex: () => 4, concurrency: 1, onProgress: () => undefined, ...rest },
    new AbortController().signal,
  );

  expect(loaded).toEqual(['4', '3', '5', '2', '1', '0']);
});

test('the order follows the user', async () => {
  const { loaded, ...rest } = archive();

  await prefetch(
    {
      imageIds,
      currentIndex: () => (loaded.length < 2 ? 0 : 5),
      concurrency: 1,
      onProgress: () => undefined,
      ...rest,
    },
    new AbortController().signal,
  );

  expect(loaded).toEqual(['0', '1', '5', '4', '3', '2']);
});

test('an image that cannot be had is counted, not waited for', async () => {
  const told: Progress[] = [];
  const { load, isLoaded } = archive(['2']);

  const end = await prefetch(
    {
      imageIds,
      currentIndex: () => 0,
      concurrency: 2,
      onProgress: (progress) => told.push(progress),
      load,
      isLoaded,
    },
    new AbortController().signal,
  );

  expect(end).toEqual({ loaded: 5, failed: 1, total: 6 });
  expect(told).toHaveLength(6);
});

test('after the signal nothing more is asked for', async () => {
  const { loaded, load, isLoaded } = archive();
  const stop = new AbortController();

  await prefetch(
    {
      imageIds,
      currentIndex: () => 0,
      concurrency: 1,
      onProgress: () => undefined,
      isLoaded,
      load: async (imageId) => {
        await load(imageId);
        if (loaded.length === 3) stop.abort();
      },
    },
    stop.signal,
  );

  expect(loaded).toEqual(['0', '1', '2']);
});
