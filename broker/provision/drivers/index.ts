import type { ProviderKind } from '@medusa/protocol';
import type { DriverDefinition } from '../port/index.ts';

/**
 * Every kind of provider and where its driver lies. Loaded when a provider of that kind is opened: an SDK that nobody uses costs nothing.
 */
export const driverDefinitions: Partial<Record<ProviderKind, () => Promise<DriverDefinition>>> = {
  azure: async () => (await import('./azure/index.ts')).definition,
  ec2: async () => (await import('./ec2/index.ts')).definition,
  ssh: async () => (await import('./ssh/index.ts')).definition,
  local: async () => (await import('./local/index.ts')).definition,
  openstack: async () => (await import('./openstack/index.ts')).definition,
  kubernetes: async () => (await import('./kubernetes/index.ts')).definition,
  opennebula: async () => (await import('./opennebula/index.ts')).definition,
  xenserver: async () => (await import('./xenserver/index.ts')).definition,
  redfish: async () => (await import('./redfish/index.ts')).definition,
  docker: async () => (await import('./docker/index.ts')).definition,
  deltacloud: async () => (await import('./deltacloud/index.ts')).definition,
  cimi: async () => (await import('./cimi/index.ts')).definition,
  libvirt: async () => (await import('./libvirt/index.ts')).definition,
  lxd: async () => (await import('./lxd/index.ts')).definition,
  simulated: async () => (await import('./simulated/index.ts')).definition,
};
