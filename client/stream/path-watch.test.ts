import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { PathWatch, receivedIn, type PathState } from './path-watch.ts';

let received: number | undefined;
let pokes: number;
let answers: boolean;
let told: PathState[];
let watch: PathWatch;

beforeEach(() => {
  vi.useFakeTimers();
  [received, pokes, answers, told] = [100, 0, true, []];
  watch = new PathWatch({
    readReceived: async () => Promise.resolve(received),
    poke: () => {
      pokes += 1;
      if (answers && received !== undefined) received += 40;
    },
    tell: (state) => told.push(state),
  });
});
afterEach(() => {
  watch[Symbol.dispose]();
  vi.useRealTimers();
});

it('pokes a path that says nothing, and believes the answer: nobody need hear of it', async () => {
  watch.heard();
  await vi.advanceTimersByTimeAsync(900);
  expect(pokes).toBe(0);

  await vi.advanceTimersByTimeAsync(700);

  expect([pokes, told]).toEqual([1, []]);
});

it('doubts a path whose answer is late', async () => {
  answers = false;
  watch.heard();
  await vi.advanceTimersByTimeAsync(1_900);
  expect(told).toEqual(['doubtful']);
  received = 140;

  await vi.advanceTimersByTimeAsync(200);

  expect(told).toEqual(['doubtful', 'alive']);
});

it('tells whoever asks, also when nothing is new, and though it was looking by itself', async () => {
  watch.heard();
  await vi.advanceTimersByTimeAsync(1_500);
  expect(pokes).toBe(1);
  const asked = watch.check();
  await vi.advanceTimersByTimeAsync(200);

  expect(await asked).toBe('alive');
  expect(told).toEqual(['alive']);
});

it('leaves a path alone on which something comes', async () => {
  for (let time = 0; time < 10; time += 1) {
    watch.heard();
    await vi.advanceTimersByTimeAsync(900);
  }

  expect([pokes, told]).toEqual([0, []]);
});

it('finds a path dead that does not answer, looks again, and hears when it is back', async () => {
  answers = false;
  watch.heard();

  await vi.advanceTimersByTimeAsync(2_500);
  expect(told).toEqual(['doubtful', 'dead']);
  expect(watch.isDead).toBe(true);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(told).toEqual(['doubtful', 'dead', 'dead']);
  watch.heard();

  expect(told.at(-1)).toBe('alive');
  expect(watch.isDead).toBe(false);
});

it('answers at once whoever asks, once for all who ask together; without a path it is dead', async () => {
  received = undefined;
  const asked = Promise.all([watch.check(), watch.check()]);

  await vi.advanceTimersByTimeAsync(1_000);

  expect(await asked).toEqual(['dead', 'dead']);
  expect([pokes, told]).toEqual([0, ['doubtful', 'dead']]);
});

it('forgets what it found of another path', async () => {
  answers = false;
  const asked = watch.check();
  await vi.advanceTimersByTimeAsync(1_000);
  await asked;

  watch.startAnew();
  await vi.advanceTimersByTimeAsync(10_000);

  expect(watch.isDead).toBe(false);
  expect(told).toEqual(['doubtful', 'dead']);
});

it('counts bytes and the answers to the browser’s own checks', () => {
  const report = new Map<string, object>([
    ['T', { type: 'transport', bytesReceived: 1_000 }],
    ['P', { type: 'candidate-pair', responsesReceived: 7, bytesReceived: 1_000 }],
    ['I', { type: 'inbound-rtp', bytesReceived: 900 }],
  ]) as unknown as RTCStatsReport;

  expect(receivedIn([report, report])).toBe(2_014);
});
