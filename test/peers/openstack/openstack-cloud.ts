import type { DriverUnderTest } from '@medusa/broker/provision/contract';
import { driverDefinitions } from '@medusa/broker/provision/drivers';
import type { ProviderDriver } from '@medusa/broker/provision/port';
import type { ResourceKind } from '@medusa/protocol';
import pino from 'pino';

/** Of Debian 12. */
export const openstackPackages = [
  ...['keystone', 'nova-common', 'placement-common', 'glance-common', 'neutron-common', 'cinder-common'],
  ...['ironic-common', 'python3-openstackclient', 'python3-ironicclient', 'python3-pymysql', 'uwsgi-core'],
  ...['uwsgi-plugin-python3', 'rabbitmq-server', 'mariadb-server', 'memcached', 'python3-memcache'],
  ...['genisoimage', 'curl', 'zstd'],
];

/** What `up.sh` exported. */
export type Exports = Readonly<Record<string, string>>;

/** As a member of the project `demo`, or as the cloud's administrator in it. */
export type As = 'demo' | 'admin';

export function settingsOf(exports: Exports): Record<string, unknown> {
  return {
    authUrl: exports['OS_AUTH_URL'],
    origins: exports['OS_ORIGINS']?.split(','),
    region: 'RegionOne',
    project: 'demo',
    defaultNetwork: 'private',
    externalNetwork: 'public',
  };
}

export function credentialsOf(exports: Exports, as: As): Record<string, unknown> {
  const password = as === 'demo' ? exports['OS_DEMO_PASSWORD'] : exports['OS_PASSWORD'];
  return { kind: 'password', username: as, password };
}

export async function openDriver(
  settings: unknown,
  credentials: unknown,
  { now = () => new Date() }: { now?: () => Date } = {},
): Promise<ProviderDriver> {
  const definition = await driverDefinitions.openstack?.();
  if (!definition) throw new Error('no driver of that kind');
  return definition.open(
    definition.settingsSchema.parse(settings),
    definition.credentialsSchema.parse(credentials),
    { log: pino({ level: 'silent' }), now, dataDir: '/nonexistent' },
  );
}

/** A client of the cloud beside the driver, with an administrator's eyes. */
export type Admin = {
  ask(service: string, call: string, body?: unknown): Promise<{ status: number; body: unknown }>;
  token(): Promise<string>;
};

/** `service` is the place of an origin in OS_ORIGINS, by name. */
const order = ['identity', 'placement', 'image', 'compute', 'network', 'volume', 'baremetal'];

export function openAdmin(exports: Exports): Admin {
  const origins = exports['OS_ORIGINS']?.split(',') ?? [];
  let pending: Promise<string> | undefined;
  const issue = async (): Promise<string> => {
    const answer = await fetch(`${exports['OS_AUTH_URL'] ?? ''}/auth/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        auth: {
          identity: {
            methods: ['password'],
            password: {
              user: { name: 'admin', domain: { id: 'default' }, password: exports['OS_PASSWORD'] },
            },
          },
          scope: { project: { name: 'demo', domain: { id: 'default' } } },
        },
      }),
    });
    return answer.headers.get('x-subject-token') ?? '';
  };
  const token = async (): Promise<string> => (pending ??= issue());
  return {
    token,
    async ask(service, call, body) {
      const [method = '', path = ''] = call.split(' ');
      const answer = await fetch(`${origins[order.indexOf(service)] ?? ''}${path}`, {
        method,
        headers: {
          'content-type': 'application/json',
          'x-auth-token': await token(),
          'openstack-api-version': service === 'compute' ? 'compute 2.90' : 'volume 3.70',
          'x-openstack-ironic-api-version': '1.80',
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      return { status: answer.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
    },
  };
}

/** All there is of a kind, of every owner and project. */
const counted: Readonly<Record<ResourceKind, readonly [service: string, path: string, key: string]>> = {
  machine: ['compute', '/v2.1/servers?all_tenants=1', 'servers'],
  volume: ['volume', '/v3/volumes?all_tenants=1', 'volumes'],
  snapshot: ['volume', '/v3/snapshots?all_tenants=1', 'snapshots'],
  network: ['network', '/v2.0/networks', 'networks'],
  address: ['network', '/v2.0/floatingips', 'floatingips'],
  'security-group': ['network', '/v2.0/security-groups', 'security_groups'],
  image: ['image', '/v2/images?limit=500', 'images'],
};

export async function countOf(admin: Admin, kind: ResourceKind): Promise<number> {
  const [service, path, key] = counted[kind];
  const { status, body } = await admin.ask(service, `GET ${path}`);
  if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
  return (body as Record<string, unknown[]>)[key]?.length ?? 0;
}

/** A machine that the cloud of `up.sh` can make. */
export function machineOf(image: string, size: string): DriverUnderTest['machine'] {
  return {
    image,
    size,
    zone: null,
    networkRefs: [],
    securityGroupRefs: [],
    keyName: null,
    guest: { environment: {}, userData: '#cloud-config\n' },
  };
}
