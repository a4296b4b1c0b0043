import type { Direction } from './link-model.ts';

/** `cable` is as fast as the kernel; the others are alike in both directions, half of the round trip each way. */
export const emulatedLinkNames = ['lan', '20m', '5m', '1m', 'bursts'] as const;
export const linkNames = ['cable', ...emulatedLinkNames] as const;
export type LinkName = (typeof linkNames)[number];

/** Queues hold what the link carries in 100 ms, as home routers do at best. */
export const links: Readonly<Record<(typeof emulatedLinkNames)[number], Direction>> = {
  lan: { kbps: 100_000, delayMs: 0.5, queueBytes: 1_250_000, loss: { kind: 'none' } },
  '20m': { kbps: 20_000, delayMs: 20, queueBytes: 250_000, loss: { kind: 'none' } },
  '5m': { kbps: 5_000, delayMs: 40, queueBytes: 62_500, loss: { kind: 'random', share: 0.01 } },
  '1m': { kbps: 1_000, delayMs: 40, queueBytes: 12_500, loss: { kind: 'none' } },
  bursts: {
    ...{ kbps: 20_000, delayMs: 20, queueBytes: 250_000 },
    loss: { kind: 'bursts', share: 0.03, burstPackets: 5 },
  },
};
