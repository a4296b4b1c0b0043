import {
  ProviderError,
  type DriverDefinition,
  type MachinePort,
  type ProviderDriver,
} from '../../port/index.ts';
import { neutronAddresses } from './addresses.ts';
import { ironicMachines } from './bare-metal/machines.ts';
import { sizePrefix } from './bare-metal/sizes.ts';
import { placementCheck } from './capacity.ts';
import { readCatalog } from './catalog.ts';
import { openCloud, type Cloud } from './cloud.ts';
import { glanceImages } from './images.ts';
import { novaKeys } from './keys.ts';
import { novaMachines } from './machines.ts';
import { neutronNetworks } from './networks.ts';
import { readQuotas } from './quotas.ts';
import { neutronSecurityGroups } from './security-groups.ts';
import {
  credentialsSchema,
  settingsSchema,
  type OpenstackCredentials,
  type OpenstackSettings,
} from './settings.ts';
import { cinderSnapshots, cinderVolumes } from './volumes.ts';

const openMs = 60_000;

/**
 * OpenStack: Keystone, Nova, Glance, Neutron; Cinder, Placement and Ironic where there are. Names are not unique and no call takes a
 * token: a create whose answer was lost is found again by the owner's tag. The database row is written some seconds into the call.
 */
export const definition: DriverDefinition<OpenstackSettings, OpenstackCredentials> = {
  kind: 'openstack',
  title: 'OpenStack',
  settingsSchema,
  credentialsSchema,

  async open(settings, credentials, { now, log }): Promise<ProviderDriver> {
    const cloud = openCloud(settings, credentials, now);
    try {
      const signal = AbortSignal.timeout(openMs);
      const offers = {
        volumes: await cloud.offers('volume', signal),
        placement: await cloud.offers('placement', signal),
        bareMetal: settings.bareMetal !== null && (await cloud.offers('baremetal', signal)),
      };
      const canRevert = offers.volumes && (await cloud.service('volume').atLeast(40, signal));
      log.info(offers, 'cloud opened');
      const check = offers.placement ? placementCheck(cloud) : async (): Promise<void> => Promise.resolve();
      const nova = novaMachines(cloud, { settings, now, check });
      const enrolled = { nodes: settings.bareMetal?.nodes ?? [], secrets: credentials.bareMetal };
      return {
        kind: 'openstack',
        traits: { uniqueNames: false, idempotencyTokens: false, visibilityMs: 30_000, concurrency: 8 },
        machines: offers.bareMetal ? withBareMetal(nova, ironicMachines(cloud, enrolled, now)) : nova,
        ...(offers.volumes && {
          volumes: cinderVolumes(cloud, canRevert),
          snapshots: cinderSnapshots(cloud),
        }),
        networks: neutronNetworks(cloud, settings, now),
        addresses: neutronAddresses(cloud, settings),
        securityGroups: neutronSecurityGroups(cloud, now),
        images: glanceImages(cloud, now),
        keys: novaKeys(cloud),
        probe: async (probing) => ({
          version: await versionOf(cloud, probing),
          quotas: await readQuotas(cloud, offers, probing),
        }),
        catalog: async (reading) => readCatalog(cloud, offers, reading),
        [Symbol.asyncDispose]: async () => cloud[Symbol.asyncDispose](),
      };
    } catch (error) {
      await cloud[Symbol.asyncDispose]();
      throw error;
    }
  },
};

async function versionOf(cloud: Cloud, signal: AbortSignal): Promise<string> {
  return `Nova ${(await cloud.service('compute').version(signal)) ?? '2.0'}`;
}

/** Two kinds of machines in one list; references and sizes tell them apart. */
function withBareMetal(nova: MachinePort, ironic: Omit<MachinePort, 'actions' | 'console'>): MachinePort {
  const portOf = (refOrSize: string): typeof ironic => (refOrSize.startsWith(sizePrefix) ? ironic : nova);
  return {
    ...nova,
    create: async (request, tag, name, operation) =>
      portOf(request.size).create(request, tag, name, operation),
    get: async (ref, signal) => portOf(ref).get(ref, signal),
    list: async (owner, signal) =>
      (await Promise.all([nova.list(owner, signal), ironic.list(owner, signal)])).flat(),
    destroy: async (ref, operation) => portOf(ref).destroy(ref, operation),
    act: async (ref, action, operation) => portOf(ref).act(ref, action, operation),
    async console(ref, signal) {
      if (ref.startsWith(sizePrefix) || !nova.console)
        throw new ProviderError('invalid', 'Bare metal shows its screen through its own controller');
      return nova.console(ref, signal);
    },
  };
}
