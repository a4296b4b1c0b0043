import { architectureSchema, type ProviderCatalog } from '@medusa/protocol';
import { z } from 'zod';
import {
  hostNetworkingSchema,
  hostStorageSchema,
  openNetworkPorts,
  openVolumePorts,
  programSchema,
  sparseType,
  type Execute,
} from '../host/index.ts';
import type { DriverDefinition, ProviderDriver } from '../../port/index.ts';
import { openConnection } from './connection.ts';
import { openFarHost } from './far-host.ts';
import { createMachines, sshImage, sshSize } from './machines.ts';

const settingsSchema = z.strictObject({
  host: z.union([z.ipv4(), z.ipv6(), z.hostname()]),
  port: z.int().min(1).max(65_535).default(22),
  user: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,31}$/)
    .default('root'),
  /** Of the host's key, as `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` shows it on the host's own screen. */
  fingerprint: z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}$/),
  /** Node of that host, which also runs this driver's few questions. */
  node: programSchema.default(['/usr/bin/node']),
  /** The agent there. */
  command: programSchema.default(['/usr/bin/node', '/opt/medusa/renderer/main.ts']),
  dir: z
    .string()
    .regex(/^\/[A-Za-z0-9_./-]+$/)
    .default('/var/lib/medusa/nodes'),
  /** How long an agent may take to close its sessions. */
  stopMs: z.int().min(0).max(60_000).default(10_000),
  /** The media port of the first machine; further ones have the next. */
  rtcPort: z.int().min(0).max(65_535).default(44_444),
  /** Networks, floating addresses and security groups; the user must be root then. */
  network: hostNetworkingSchema.nullable().default(null),
  /** Block volumes; the user must be root then. */
  volumes: hostStorageSchema.nullable().default(null),
});
type Settings = z.infer<typeof settingsSchema>;

const credentialsSchema = z.strictObject({
  /** PEM or OpenSSH format. */
  privateKey: z.string().min(1),
  passphrase: z.string().optional(),
});
type Credentials = z.infer<typeof credentialsSchema>;

const probeSchema = z.object({
  release: z.string(),
  architecture: z.string(),
  processors: z.int(),
  memoryMiB: z.int(),
  uptimeSeconds: z.int(),
  gpus: z.array(z.object({ model: z.string(), encoder: z.string() })),
});

/** A computer that is there already, reached by SSH: its machines are processes of the agent, and nothing is installed on it. */
export const definition: DriverDefinition<Settings, Credentials> = {
  kind: 'ssh',
  title: 'A computer reached by SSH',
  settingsSchema,
  credentialsSchema,
  open: async (settings, credentials) => openSshDriver(settings, credentials),
};

export function openSshDriver(settings: Settings, { privateKey, passphrase }: Credentials): ProviderDriver {
  const { host, port, user, fingerprint, dir } = settings;
  const connection = openConnection({
    host,
    port,
    user,
    fingerprint,
    privateKey,
    passphrase,
    connectMs: 10_000,
  });
  const far = openFarHost(connection, [...settings.node, '--input-type=module', '-'].join(' '));
  // The words are the settings' own, of characters that no shell reads otherwise.
  const execute: Execute = async (program, input, signal) =>
    connection.execute(program.join(' '), input, signal);
  const machines = createMachines(far, settings, () => ({ network, volumes }));
  const has = async (ref: string, signal: AbortSignal): Promise<boolean> =>
    (await machines.get(ref, signal)) !== undefined;
  const network = settings.network ? openNetworkPorts(execute, settings.network, has) : undefined;
  const volumes = settings.volumes
    ? openVolumePorts(execute, settings.volumes, { has, folderOf: (ref) => `${dir}/${ref}` })
    : undefined;
  const probe = async (signal: AbortSignal): Promise<z.infer<typeof probeSchema>> =>
    far.ask({ do: 'probe', dir, stopMs: 0 }, probeSchema, signal);

  return {
    kind: 'ssh',
    traits: { uniqueNames: true, idempotencyTokens: false, visibilityMs: 0, concurrency: 4 },
    machines,
    ...(network && {
      networks: network.networks,
      addresses: network.addresses,
      securityGroups: network.securityGroups,
    }),
    ...(volumes && { volumes: volumes.volumes, snapshots: volumes.snapshots }),
    async probe(signal) {
      const { release, processors, memoryMiB, uptimeSeconds } = await probe(signal);
      return {
        version: `Linux ${release}, up ${Math.floor(uptimeSeconds / 3_600)} h`,
        quotas: [
          { name: 'processors', used: 0, limit: processors, unit: '' },
          { name: 'memory', used: 0, limit: memoryMiB, unit: 'MiB' },
        ],
      };
    },
    async catalog(signal) {
      return catalogOf(await probe(signal), volumes !== undefined);
    },
    [Symbol.asyncDispose]: async () => connection[Symbol.asyncDispose](),
  };
}

function catalogOf(
  { architecture, processors, memoryMiB, gpus }: z.infer<typeof probeSchema>,
  hasVolumes: boolean,
): ProviderCatalog {
  const known = architectureSchema.safeParse(architecture).data ?? null;
  const [gpu] = gpus;
  return {
    images: [{ id: sshImage, name: 'The agent of that computer', architecture: known }],
    sizes: [
      {
        ...{
          id: sshSize,
          name: 'A process',
          cpus: processors,
          memoryMiB,
          diskGiB: null,
          architecture: known,
        },
        gpu: gpu ? { model: gpu.model, count: gpus.length } : null,
        encoder: gpu?.encoder ?? null,
      },
    ],
    ...{ zones: [], networks: [], volumeTypes: hasVolumes ? [sparseType] : [] },
  };
}
