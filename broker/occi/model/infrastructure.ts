import { actionOf, identifierOf, immutable, mutable, required, type Mixin } from './category.ts';
import { linkKindOf, resourceKindOf } from './core.ts';

/** GFD.224, and GFD.184 where clients of OCCI 1.1 still ask for it. */
const root = 'http://schemas.ogf.org/occi/infrastructure';
const scheme = `${root}#`;

/** Of compute, network, and both links. */
const activity = ['active', 'inactive', 'error'];
const reason = immutable('string', { description: 'Why it is in this state' });
const computeAction = `${root}/compute/action#`;
const storageAction = `${root}/storage/action#`;
const method = (...values: string[]) => ({ method: mutable('string', { values }) });

export const computeKind = resourceKindOf({
  ...{ scheme, term: 'compute', title: 'Compute' },
  attributes: {
    // `arm64` and `riscv64` are ours: GFD.224 knows x86 and x64 only.
    'occi.compute.architecture': mutable('string', { values: ['x86', 'x64', 'arm64', 'riscv64'] }),
    'occi.compute.cores': mutable('number', { isInteger: true, minimum: 1 }),
    'occi.compute.hostname': mutable('string'),
    'occi.compute.share': mutable('number', { isInteger: true, minimum: 0 }),
    'occi.compute.speed': mutable('number', { minimum: 0, description: 'GHz' }),
    'occi.compute.memory': mutable('number', { minimum: 0, description: 'GiB' }),
    'occi.compute.state': immutable('string', { values: [...activity, 'suspended'] }),
    'occi.compute.state.message': reason,
  },
  actions: [
    actionOf(computeAction, 'start'),
    actionOf(computeAction, 'stop', method('graceful', 'acpioff', 'poweroff')),
    actionOf(computeAction, 'restart', method('graceful', 'warm', 'cold')),
    actionOf(computeAction, 'suspend', method('hibernate', 'suspend')),
    actionOf(computeAction, 'save', { ...method('hot', 'deferred'), name: mutable('string') }),
  ],
});

export const networkKind = resourceKindOf({
  ...{ scheme, term: 'network', title: 'Network' },
  attributes: {
    'occi.network.vlan': mutable('number', { isInteger: true, minimum: 0, maximum: 4_095 }),
    'occi.network.label': mutable('string'),
    'occi.network.state': immutable('string', { values: activity }),
    'occi.network.state.message': reason,
  },
  actions: ['up', 'down'].map((term) => actionOf(`${root}/network/action#`, term)),
});

export const storageKind = resourceKindOf({
  ...{ scheme, term: 'storage', title: 'Storage' },
  attributes: {
    'occi.storage.size': required('number', { minimum: 0, description: 'GiB' }),
    'occi.storage.state': immutable('string', { values: ['online', 'offline', 'error'] }),
    'occi.storage.state.message': reason,
  },
  // The last three are those of OCCI 1.1 (GFD.184).
  actions: [
    ...['online', 'offline', 'backup', 'snapshot'].map((term) => actionOf(storageAction, term)),
    actionOf(storageAction, 'resize', { size: required('number', { minimum: 0, description: 'GiB' }) }),
  ],
});

export const networkInterfaceKind = linkKindOf({
  ...{ scheme, term: 'networkinterface', title: 'Network interface' },
  attributes: {
    'occi.networkinterface.interface': immutable('string', { description: 'Name within the machine' }),
    'occi.networkinterface.mac': mutable('string'),
    'occi.networkinterface.state': immutable('string', { values: activity }),
    'occi.networkinterface.state.message': reason,
  },
});

export const storageLinkKind = linkKindOf({
  ...{ scheme, term: 'storagelink', title: 'Storage link' },
  attributes: {
    'occi.storagelink.deviceid': mutable('string'),
    'occi.storagelink.mountpoint': mutable('string'),
    'occi.storagelink.state': immutable('string', { values: activity }),
    'occi.storagelink.state.message': reason,
  },
});

type NewMixin = Pick<Mixin, 'scheme' | 'term' | 'title'> & Partial<Omit<Mixin, 'class'>>;

/** A mixin of the provider; its location is its term's unless told otherwise. */
export function mixinOf({ scheme: of, term, title, ...rest }: NewMixin): Mixin {
  const none = { attributes: {}, actions: [], depends: [], applies: [] };
  return { class: 'mixin', scheme: of, term, title, location: `/mixins/${term}/`, ...none, ...rest };
}

const allocation = mutable('string', { values: ['dynamic', 'static'] });

export const ipNetworkMixin = mixinOf({
  ...{ scheme: `${root}/network#`, term: 'ipnetwork', title: 'IP network' },
  applies: [identifierOf(networkKind)],
  attributes: {
    'occi.network.address': mutable('string', { description: 'CIDR' }),
    'occi.network.gateway': mutable('string'),
    'occi.network.allocation': allocation,
  },
});

export const ipNetworkInterfaceMixin = mixinOf({
  ...{ scheme: `${root}/networkinterface#`, term: 'ipnetworkinterface', title: 'IP network interface' },
  applies: [identifierOf(networkInterfaceKind)],
  attributes: {
    'occi.networkinterface.address': mutable('string'),
    'occi.networkinterface.gateway': mutable('string'),
    'occi.networkinterface.allocation': allocation,
  },
});

/** What an instance is made from: each image of a provider is a mixin that depends on this one. */
export const osTemplateMixin = mixinOf({
  ...{ scheme, term: 'os_tpl', title: 'OS template' },
  applies: [identifierOf(computeKind)],
});

/** How big an instance is: each size of a provider is a mixin that depends on this one. */
export const resourceTemplateMixin = mixinOf({
  ...{ scheme, term: 'resource_tpl', title: 'Resource template' },
  applies: [identifierOf(computeKind)],
});

export const sshKeyMixin = mixinOf({
  ...{ scheme: `${root}/credentials#`, term: 'ssh_key', title: 'SSH key' },
  applies: [identifierOf(computeKind)],
  attributes: { 'occi.credentials.ssh.publickey': required('string') },
});

export const userDataMixin = mixinOf({
  ...{ scheme: `${root}/compute#`, term: 'user_data', title: 'User data' },
  applies: [identifierOf(computeKind)],
  attributes: { 'occi.compute.userdata': required('string', { description: 'base64; it is never told' }) },
});
