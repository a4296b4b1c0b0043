import { accessSync, constants, readdirSync } from 'node:fs';
import { arch, availableParallelism, totalmem } from 'node:os';
import path from 'node:path';
import type { Application, NodeCapabilities } from '@medusa/protocol';
import type { Confinement } from '../application/index.ts';

export type ProbeOptions = {
  readonly applications: readonly Application[];
  readonly chromium: string;
  readonly slots: number;
  readonly rtcAddress: string;
  readonly rtcPort: number;
  readonly relayPort: number;
  readonly access: 'public' | 'private';
  readonly encoders: readonly string[];
  readonly confinement: Confinement;
};

/** What this node can do, found out on the node itself. */
export function probeCapabilities(options: ProbeOptions): NodeCapabilities {
  const gpu = probeGpu();
  return {
    architecture: arch(),
    cpus: availableParallelism(),
    memoryMiB: Math.floor(totalmem() / 2 ** 20),
    gpu,
    encoders: [...options.encoders],
    rendering: gpu === null ? 'cpu' : 'webgl',
    slots: options.slots,
    applications: installedApplications(options),
    confinement: options.confinement.description,
    rtcAddress: options.rtcAddress,
    rtcPort: options.rtcPort,
    relayPort: options.relayPort,
    access: options.access,
  };
}

/** The first DRM render node: what Mesa and VA-API use. */
function probeGpu(): string | null {
  try {
    return readdirSync('/dev/dri').find((name) => name.startsWith('renderD')) ?? null;
  } catch {
    return null;
  }
}

function installedApplications({ applications, chromium }: ProbeOptions): string[] {
  const hasBrowser = isInstalled(chromium);
  const others = applications
    .filter(({ id }) => id !== 'workstation')
    .filter(
      ({ kind, command }) =>
        (kind === 'slides' && hasBrowser) || (kind === 'x11' && isInstalled(command[0] ?? '')),
    )
    .map(({ id }) => id);
  return hasBrowser ? ['workstation', ...others] : others;
}

/** Sandboxes see /usr only. */
function isInstalled(program: string): boolean {
  const places = path.isAbsolute(program)
    ? [program]
    : ['/usr/bin', '/usr/local/bin', '/usr/games'].map((folder) => path.join(folder, program));
  return program !== '' && places.some(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
