import { nodeIdSchema } from '@medusa/protocol';
import { z } from 'zod';

const port = z.int().min(1).max(65_535);

/** Storage nodes on several hosts, and the one address at which they are reached. */
export const severalHostsSchema = z.strictObject({
  /** With the length of its network, and on which interface of every host it may be. */
  address: z.union([z.cidrv4(), z.cidrv6()]),
  interface: z.string().regex(/^[A-Za-z0-9._-]{1,15}$/),
  /** VRRP's own number of the address in its network. */
  routerId: z.int().min(1).max(255).default(51),
  dicomPort: port.default(11_112),
  dicomTlsPort: port.optional(),
  dicomwebPort: port.default(8_443),
  /** File of the authority that signs the nodes' HTTPS certificates. */
  authority: z.string().startsWith('/').default('/etc/medusa/ca.pem'),
  peerSecretFile: z.string().startsWith('/').default('/etc/medusa/peer.secret'),
  nodes: z
    .array(
      z.strictObject({
        nodeId: nodeIdSchema,
        host: z.union([z.ipv4(), z.ipv6()]),
        dicomPort: port.default(11_113),
        dicomTlsPort: port.default(12_762),
        httpsPort: port.default(8_444),
      }),
    )
    .min(2)
    .max(16),
});
type SeveralHosts = z.infer<typeof severalHostsSchema>;
type Node = SeveralHosts['nodes'][number];

/** What one host of them needs, by the names of the files. */
type HostFiles = {
  readonly 'haproxy.cfg': string;
  readonly 'keepalived.conf': string;
  readonly 'node.env': string;
};

export function filesOf(hosts: SeveralHosts, node: Node): HostFiles {
  return {
    'haproxy.cfg': doorOf(hosts),
    'keepalived.conf': addressOf(hosts, node),
    'node.env': environmentOf(hosts, node),
  };
}

/** Longer than any association may be idle (MEDUSA_DICOM_IDLE_MS): the nodes say when one is over. */
const silence = '15m';

/** The same on every host: whoever has the address can reach every node. */
function doorOf({ address, dicomPort, dicomTlsPort, dicomwebPort, authority, nodes }: SeveralHosts): string {
  const here = hostOf(address.split('/')[0] ?? '');
  const section = (name: string, port: number, portOf: (node: Node) => number): string =>
    [
      `frontend ${name}`,
      // The address may be another host's just now.
      `  bind ${here}:${port} transparent`,
      `  default_backend ${name}`,
      `backend ${name}`,
      '  balance leastconn',
      '  option httpchk GET /readyz',
      '  http-check expect status 200',
      ...nodes.map(
        (node) =>
          `  server ${node.nodeId} ${hostOf(node.host)}:${portOf(node)} check port ${node.httpsPort} check-ssl verify required ca-file ${authority} inter 1s fastinter 500ms fall 1 rise 1`,
      ),
    ].join('\n');
  return `# Made by several-hosts: associations go to a node that is ready, and stay there. A node that drains gets no new ones.
global
  maxconn 4096
defaults
  mode tcp
  timeout connect 2s
  timeout check 2s
  timeout client ${silence}
  timeout server ${silence}
  option clitcpka
  option srvtcpka
  retries 4
  option redispatch 1
${[
  section('dicom', dicomPort, (node) => node.dicomPort),
  ...(dicomTlsPort === undefined ? [] : [section('dicom-tls', dicomTlsPort, (node) => node.dicomTlsPort)]),
  section('dicomweb', dicomwebPort, (node) => node.httpsPort),
].join('\n')}
`;
}

/** VRRP (RFC 9568) between the hosts, without multicast, which many hospital networks filter. */
function addressOf({ address, interface: link, routerId, nodes }: SeveralHosts, node: Node): string {
  const others = nodes.filter(({ nodeId }) => nodeId !== node.nodeId);
  const priority = 200 - nodes.indexOf(node) * 10;
  return `# Made by several-hosts: the address is at one host whose door runs, and stays there until that host fails.
global_defs {
  router_id ${node.nodeId}
  vrrp_version 3
  script_user root
  enable_script_security
}
vrrp_script door {
  script "/usr/bin/pkill -0 -x haproxy"
  interval 1
  fall 2
  rise 1
}
vrrp_instance storage {
  state BACKUP
  nopreempt
  interface ${link}
  virtual_router_id ${routerId}
  priority ${priority}
  advert_int 0.3
  unicast_src_ip ${node.host}
  unicast_peer {
${others.map(({ host }) => `    ${host}`).join('\n')}
  }
  track_script {
    door
  }
  virtual_ipaddress {
    ${address} dev ${link}
  }
}
`;
}

function environmentOf(hosts: SeveralHosts, node: Node): string {
  const { address, dicomwebPort, dicomTlsPort, peerSecretFile, nodes } = hosts;
  const peers = nodes
    .filter(({ nodeId }) => nodeId !== node.nodeId)
    .map(({ nodeId, host, httpsPort }) => `${nodeId}=https://${hostOf(host)}:${httpsPort}`);
  const variables = {
    MEDUSA_NODE_ID: node.nodeId,
    MEDUSA_BIND: node.host,
    MEDUSA_DICOM_PORT: node.dicomPort,
    ...(dicomTlsPort !== undefined && { MEDUSA_DICOM_TLS_PORT: node.dicomTlsPort }),
    MEDUSA_STORAGE_HTTPS_PORT: node.httpsPort,
    MEDUSA_STORAGE_URL: `https://${hostOf(address.split('/')[0] ?? '')}:${dicomwebPort}/dicomweb`,
    MEDUSA_PEERS: peers.join(','),
    MEDUSA_PEER_SECRET_FILE: peerSecretFile,
    // Doors look every second.
    MEDUSA_DRAIN_NOTICE_SECONDS: 3,
  };
  return Object.entries(variables)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

function hostOf(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
