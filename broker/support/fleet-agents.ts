import { createInterface } from 'node:readline';
import {
  joinedSchema,
  joinPath,
  nodeIdSchema,
  type BrokerToNode,
  type NodeRegistration,
  type NodeToBroker,
} from '@medusa/protocol';
import { io, type Socket } from 'socket.io-client';
import { z } from 'zod';

/**
 * Many render nodes' agents in one process: each line on standard input is one that begins, as its machine would. It joins with its
 * token, registers over a socket of its own, and beats. Prints the id of each that is registered.
 */
const guestSchema = z.object({
  MEDUSA_BROKER_URL: z.url(),
  MEDUSA_NODE_ID: nodeIdSchema,
  MEDUSA_JOIN_TOKEN: z.string(),
});
type Guest = z.infer<typeof guestSchema>;

const attempts = 5;

async function tokenOf({
  MEDUSA_BROKER_URL: brokerUrl,
  MEDUSA_JOIN_TOKEN: joinToken,
}: Guest): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await fetch(`${brokerUrl}${joinPath}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ joinToken }),
    }).catch(() => undefined);
    if (answer?.ok) return joinedSchema.parse(await answer.json()).nodeToken;
    if (attempt === attempts) throw new Error(`Joining was answered ${answer?.status ?? 'not at all'}`);
    await new Promise((resolve) => setTimeout(resolve, 200 * attempt));
  }
}

async function begin(guest: Guest): Promise<void> {
  const nodeId = guest.MEDUSA_NODE_ID;
  const token = await tokenOf(guest);
  const socket: Socket<BrokerToNode, NodeToBroker> = io(`${guest.MEDUSA_BROKER_URL}/node`, {
    auth: { token },
    transports: ['websocket'],
    forceNew: true,
  });
  const startedAt = new Date().toISOString();
  let timer: NodeJS.Timeout | undefined;
  const register = async (): Promise<void> => {
    const ack = await socket.emitWithAck('node.register', registrationOf(nodeId, startedAt));
    if (!ack.ok) throw new Error(ack.problem.title);
    clearInterval(timer);
    timer = setInterval(
      () => socket.emit('node.heartbeat', { load1: 0, freeMemoryMiB: 4_000, sessions: [] }),
      ack.value.heartbeatMs,
    );
    process.stdout.write(`${nodeId}\n`);
  };
  socket.on('connect', () => void register().catch(complain));
}

const registrationOf = (nodeId: Guest['MEDUSA_NODE_ID'], startedAt: string): NodeRegistration => ({
  nodeId,
  version: '0.1.0',
  startedAt,
  capabilities: {
    architecture: 'x64',
    cpus: 4,
    memoryMiB: 8_000,
    gpu: null,
    encoders: ['libx264'],
    rendering: 'cpu',
    slots: 1,
    applications: ['workstation'],
    confinement: 'none',
    rtcAddress: '127.0.0.1',
    rtcPort: 44_444,
  },
  sessions: [],
});

function complain(error: unknown): void {
  process.stderr.write(`${String(error)}\n`);
}

createInterface({ input: process.stdin }).on('line', (line) => {
  begin(guestSchema.parse(JSON.parse(line))).catch(complain);
});
