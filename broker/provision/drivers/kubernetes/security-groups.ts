import type {
  V1NetworkPolicy,
  V1NetworkPolicyPeer,
  V1NetworkPolicyPort,
  V1NetworkPolicySpec,
} from '@kubernetes/client-node';
import type { SecurityRule } from '@medusa/protocol';
import { z } from 'zod';
import { ProviderError, type SecurityGroup, type SecurityGroupPort } from '../../port/index.ts';
import { allPages, byUid, parsed, toModel, type Cluster, type Plain } from './client.ts';
import { labelsOf, metadataSchema, selectorOf } from './labels.ts';
import { createOnce, deleteOurs, itemOf, readOurs, type ObjectCalls } from './objects.ts';
import { groupLabel } from './pod-manifest.ts';
import type { Settings } from './settings.ts';

const peersSchema = z
  .array(z.object({ ipBlock: z.object({ cidr: z.string() }).nullish(), podSelector: z.unknown().optional() }))
  .nullish();
const portsSchema = z
  .array(
    z.object({
      protocol: z.string().nullish(),
      port: z.union([z.int(), z.string()]).nullish(),
      endPort: z.int().nullish(),
    }),
  )
  .nullish();

/** networking.k8s.io/v1 NetworkPolicy, as far as we read it. The client calls `from` `_from`. */
const policySchema = z.object({
  metadata: metadataSchema,
  spec: z.object({
    ingress: z.array(z.object({ _from: peersSchema, ports: portsSchema })).nullish(),
    egress: z.array(z.object({ to: peersSchema, ports: portsSchema })).nullish(),
  }),
});
type Policy = z.infer<typeof policySchema>;

/** Before `endPort` (beta and on since Kubernetes 1.22) a range is as many ports; so many are bearable in one policy. */
const maxPortsInPolicy = 2_000;

/** A security group is a NetworkPolicy; its members carry a label. As everywhere, what no rule allows is not allowed. */
export function securityGroupPort(cluster: Cluster, { namespace }: Settings): SecurityGroupPort {
  const calls: ObjectCalls<Policy> = {
    read: async (name, signal) =>
      parsed(policySchema, await cluster.networking(signal).readNamespacedNetworkPolicy({ name, namespace })),
    delete: async (name, uid, signal) =>
      cluster.networking(signal).deleteNamespacedNetworkPolicy({ name, namespace, body: byUid(uid) }),
  };
  return {
    async create({ rules }, tag, name, operation) {
      const { signal } = operation;
      signal.throwIfAborted();
      const knowsRanges = await hasEndPort(cluster, signal);
      const body = toModel<V1NetworkPolicy>({
        metadata: { name, labels: labelsOf(tag) },
        spec: specOf(rules, name, knowsRanges),
      });
      const create = async (): Promise<Policy> =>
        parsed(
          policySchema,
          await cluster.networking(signal).createNamespacedNetworkPolicy({ namespace, body }),
        );
      const { object } = await createOnce(create, calls, { tag, name, operation });
      const made = groupOf(object);
      if (!made) throw new ProviderError('unknown-outcome', `${name} came back without its labels`);
      return made;
    },
    async get(ref, signal) {
      const policy = await readOurs(calls, ref, signal);
      return policy && groupOf(policy);
    },
    async list(owner, signal) {
      const items = await allPages(async (page) =>
        cluster
          .networking(signal)
          .listNamespacedNetworkPolicy({ namespace, labelSelector: selectorOf(owner), ...page }),
      );
      return parsed(z.array(policySchema), items).flatMap((policy) => groupOf(policy) ?? []);
    },
    async destroy(ref, operation) {
      await deleteOurs(calls, ref, operation.signal);
    },
  };
}

/** An older server drops the field without a word, and only the first port would be open. */
async function hasEndPort(cluster: Cluster, signal: AbortSignal): Promise<boolean> {
  const { major, minor } = await cluster.version(signal).getCode();
  return Number.parseInt(major, 10) > 1 || Number.parseInt(minor, 10) >= 22;
}

function specOf(
  rules: readonly SecurityRule[],
  name: string,
  knowsRanges: boolean,
): Plain<V1NetworkPolicySpec> {
  const members = { matchLabels: { [groupLabel(name)]: 'member' } };
  const peerOf = ({ remote }: SecurityRule): Plain<V1NetworkPolicyPeer> =>
    remote === 'group' ? { podSelector: members } : { ipBlock: { cidr: remote } };
  const of = (direction: SecurityRule['direction']): SecurityRule[] =>
    rules.filter((rule) => rule.direction === direction);
  const spec = {
    podSelector: members,
    policyTypes: ['Ingress', 'Egress'],
    ingress: of('in').map((rule) => ({ _from: [peerOf(rule)], ...portsOf(rule, knowsRanges) })),
    egress: of('out').map((rule) => ({ to: [peerOf(rule)], ...portsOf(rule, knowsRanges) })),
  };
  const ports = [...spec.ingress, ...spec.egress].reduce((sum, rule) => sum + (rule.ports?.length ?? 0), 0);
  if (ports > maxPortsInPolicy)
    throw new ProviderError('invalid', `This cluster knows no ranges of ports, and these are ${ports} ports`);
  return spec;
}

function portsOf(
  { protocol, fromPort, toPort }: SecurityRule,
  knowsRanges: boolean,
): { ports?: Plain<V1NetworkPolicyPort>[] } {
  if (protocol === 'icmp') throw new ProviderError('invalid', 'A NetworkPolicy has no rules for ICMP');
  if (protocol === 'any') {
    if (fromPort !== null) throw new ProviderError('invalid', 'Ports belong to tcp or udp');
    return {};
  }
  const name = protocol.toUpperCase();
  if (fromPort === null) return { ports: [{ protocol: name }] };
  const last = toPort ?? fromPort;
  if (last === fromPort) return { ports: [{ protocol: name, port: fromPort }] };
  if (knowsRanges) return { ports: [{ protocol: name, port: fromPort, endPort: last }] };
  return {
    ports: Array.from({ length: last - fromPort + 1 }, (_, index) => ({
      protocol: name,
      port: fromPort + index,
    })),
  };
}

function groupOf(policy: Policy): SecurityGroup | undefined {
  const item = itemOf(policy, { state: 'running', detail: 'NetworkPolicy' });
  const { ingress, egress } = policy.spec;
  return (
    item && {
      ...item,
      rules: [
        ...(ingress ?? []).flatMap(({ _from, ports }) => ruleOf('in', _from, ports) ?? []),
        ...(egress ?? []).flatMap(({ to, ports }) => ruleOf('out', to, ports) ?? []),
      ],
    }
  );
}

/** The rule that `specOf` wrote; undefined for what somebody else did, which we could not say. */
function ruleOf(
  direction: SecurityRule['direction'],
  peers: z.infer<typeof peersSchema>,
  ports: z.infer<typeof portsSchema>,
): SecurityRule | undefined {
  const remote = remoteOf(peers?.[0]);
  if (remote === undefined) return undefined;
  const [first, last] = [ports?.[0], ports?.at(-1)];
  if (!first || !last) return { direction, protocol: 'any', fromPort: null, toPort: null, remote };
  const protocol = first.protocol === 'UDP' ? 'udp' : 'tcp';
  return {
    direction,
    protocol,
    fromPort: numberOf(first.port),
    toPort: last.endPort ?? numberOf(last.port),
    remote,
  };
}

type Peer = NonNullable<z.infer<typeof peersSchema>>[number];

const remoteOf = (peer: Peer | undefined): string | undefined =>
  peer?.ipBlock?.cidr ?? (peer?.podSelector ? 'group' : undefined);

const numberOf = (port: number | string | null | undefined): number | null =>
  typeof port === 'number' ? port : null;
