import { readFileSync } from 'node:fs';
import path from 'node:path';
import { openEndpoint, type EndpointAnswer } from '@medusa/broker/provision/port';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import type { Peer } from '../support/peer.ts';

const namespace = 'medusa';
const roleFile = path.join(import.meta.dirname, '../../../infra/deploy/kubernetes/broker-role.yaml');
const callMs = 30_000;

/** The API behind the driver's back, as one of the peer's users. */
export type User = AsyncDisposable & {
  ask(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, body?: unknown): Promise<EndpointAnswer>;
};

export type Admin = User & {
  /** The role that we deliver, but for what goes beyond the minimum: see `grant`. */
  applyRole(): Promise<void>;
  /** Gives the brokers one more of the delivered roles; `revoke` takes it away. */
  grant(role: string): Promise<void>;
  revoke(role: string): Promise<void>;
  createStorage(): Promise<void>;
  /** Volumes of 1 GiB for claims to come: the class `peer` makes none by itself. */
  createVolumes(count: number): Promise<void>;
  /** Objects of the namespace that carry the label. */
  count(plural: string, labelSelector: string): Promise<number>;
  post(url: string, body: unknown): Promise<void>;
  patch(url: string, body: unknown): Promise<void>;
  delete(url: string): Promise<void>;
};

export function openUser(
  { exports: { KUBE_URL = '', KUBE_PKI = '' } }: Peer,
  user: 'admin' | 'broker',
): User {
  const read = (name: string): string => readFileSync(path.join(KUBE_PKI, name), 'utf8').trim();
  const endpoint = openEndpoint({ origins: [KUBE_URL], ca: read('ca.crt') });
  return {
    ask: async (method, url, body) =>
      endpoint.ask({
        method,
        url: KUBE_URL + url,
        headers: {
          authorization: `Bearer ${read(`${user}.token`)}`,
          'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(callMs),
      }),
    [Symbol.asyncDispose]: async () => endpoint[Symbol.asyncDispose](),
  };
}

const manifestSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ namespace: z.string().optional() }),
});
const listSchema = z.object({ items: z.array(z.unknown()) });

export function openAdmin(peer: Peer): Admin {
  const user = openUser(peer, 'admin');
  const change = async (method: 'POST' | 'PATCH' | 'DELETE', url: string, body?: unknown): Promise<void> => {
    const answer = await user.ask(method, url, body);
    if (answer.status > 299) throw new Error(`${method} ${url}: ${answer.status} ${answer.text}`);
  };
  const bindings = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`;
  let volumes = 0;
  return {
    ...user,
    async applyRole() {
      for (const document of parseAllDocuments(readFileSync(roleFile, 'utf8'))) {
        const manifest = manifestSchema.parse(document.toJS());
        await change('POST', urlOf(manifest), manifest);
      }
    },
    async grant(role) {
      await user.ask('POST', bindings, {
        metadata: { name: role },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role },
        subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'medusa-brokers' }],
      });
    },
    revoke: async (role) => change('DELETE', `${bindings}/${role}`),
    async createStorage() {
      await change('POST', '/apis/storage.k8s.io/v1/storageclasses', {
        metadata: { name: 'peer' },
        provisioner: 'kubernetes.io/no-provisioner',
      });
    },
    async createVolumes(count) {
      for (let made = 0; made < count; made += 1) {
        volumes += 1;
        await change('POST', '/api/v1/persistentvolumes', {
          metadata: { name: `peer-${volumes}` },
          spec: {
            capacity: { storage: '1Gi' },
            accessModes: ['ReadWriteOnce'],
            storageClassName: 'peer',
            hostPath: { path: '/nonexistent' },
          },
        });
      }
    },
    async count(plural, labelSelector) {
      const group = plural === 'networkpolicies' ? '/apis/networking.k8s.io/v1' : '/api/v1';
      const url = `${group}/namespaces/${namespace}/${plural}?labelSelector=${encodeURIComponent(labelSelector)}`;
      return listSchema.parse(JSON.parse((await user.ask('GET', url)).text)).items.length;
    },
    post: async (url, body) => change('POST', url, body),
    patch: async (url, body) => change('PATCH', url, body),
    delete: async (url) => change('DELETE', url),
  };
}

function urlOf({ apiVersion, kind, metadata }: z.infer<typeof manifestSchema>): string {
  const group = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`;
  const plural = `${kind.toLowerCase()}s`;
  return metadata.namespace === undefined
    ? `${group}/${plural}`
    : `${group}/namespaces/${metadata.namespace}/${plural}`;
}
