import { nodeIdSchema } from '@medusa/protocol';
import type { Candidate } from '../placement/index.ts';

/** A render node as placement sees it: ready, empty, on another host than the study, without a GPU. */
export function candidateOf(id: string, overrides: Partial<Candidate> = {}): Candidate {
  return {
    nodeId: nodeIdSchema.parse(id),
    state: 'ready',
    hasLink: true,
    slots: 4,
    usedSlots: 0,
    applications: ['workstation'],
    cpus: 4,
    load1: 0,
    rendering: 'cpu',
    host: '10.0.0.2',
    architecture: 'x64',
    encoders: ['libx264'],
    gpu: null,
    provider: 'local',
    zone: 'local',
    jurisdiction: null,
    security: [],
    pricePerHour: null,
    watts: null,
    opinion: null,
    boot: 'warm',
    queueMs: 0,
    ...overrides,
  };
}

export const testGpu: NonNullable<Candidate['gpu']> = {
  vendor: 'nvidia',
  model: 'L4',
  architecture: 'ada',
  partition: '',
  driverMajor: 550,
  memoryMiB: 24_000,
  encoderSessions: 8,
  graphics: true,
};
