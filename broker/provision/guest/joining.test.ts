import { generateKeyPairSync } from 'node:crypto';
import { nodeIdSchema, type NodeId } from '@medusa/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { openBrokerKeys, type BrokerKeys } from '../../identity/index.ts';
import { createJoining, type Guest, type Joining, type JoinStore } from './index.ts';

/** As the tables behave. */
function memoryStore(): JoinStore {
  const invitations = new Map<NodeId, { incarnation: number; since: Date }>();
  const used = new Set<string>();
  return {
    invited: async (nodeId) => invitations.get(nodeId),
    async invite(nodeId, invitation) {
      if (invitations.get(nodeId)?.incarnation !== invitation.incarnation)
        invitations.set(nodeId, invitation);
    },
    async use(tokenId) {
      const isFirst = !used.has(tokenId);
      used.add(tokenId);
      return isFirst;
    },
  };
}

const nodeId = nodeIdSchema.parse('render-1');
const guest = (incarnation: number): Guest => ({ nodeId, role: 'render', incarnation });
const address = '10.0.0.7';

let keys: BrokerKeys;
let joining: Joining;
let audited: string[];
let told: string[];

beforeEach(async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  keys = await openBrokerKeys({ ...privateKey.export({ format: 'jwk' }), kid: 'test', kty: 'EC' });
  audited = [];
  told = [];
  const record = async ({ action, objectId, detail = '' }: Record<string, unknown> & { action: string }) =>
    void audited.push(`${action} ${String(objectId)} ${String(detail)}`);
  joining = createJoining({
    keys,
    store: memoryStore(),
    audit: { record, recordOncePerMinute: record },
    now: () => new Date(),
    report: (error) => {
      throw error;
    },
  });
  joining.events.on('invited', ({ incarnation }) => told.push(`invited ${incarnation}`));
  joining.events.on('joined', ({ incarnation }) => told.push(`joined ${incarnation}`));
  joining.events.on('refused', (who, reason) => told.push(`refused ${who?.nodeId ?? '?'}: ${reason}`));
});

describe('joining', () => {
  it('gives the node token once; the second to show the token is refused, audited and told', async () => {
    const token = await joining.invite(guest(1), 60);

    const { nodeToken } = await joining.join(token, address);
    await expect(joining.join(token, address)).rejects.toMatchObject({ code: 'join.refused' });

    const node = await keys.verifyNodeToken(nodeToken);
    expect(node).toMatchObject({ nodeId, kind: 'render', incarnation: 1 });
    await joining.admit(node);
    expect(told).toEqual(['invited 1', 'joined 1', 'refused render-1: The join token was used already']);
    expect(audited).toEqual([
      'node.joined render-1 incarnation 1',
      'node.join-refused render-1 The join token was used already',
    ]);
  });

  it('lets one of two at the same moment in', async () => {
    const token = await joining.invite(guest(1), 60);

    const outcomes = await Promise.allSettled([joining.join(token, address), joining.join(token, address)]);

    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('voids what a machine holds when another one is invited in its place', async () => {
    const first = await joining.invite(guest(1), 60);
    const unused = await joining.invite(guest(1), 60);
    const old = await keys.verifyNodeToken((await joining.join(first, address)).nodeToken);

    const second = await joining.invite(guest(2), 60);

    await expect(joining.admit(old)).rejects.toMatchObject({ code: 'join.refused' });
    await expect(joining.join(unused, address)).rejects.toThrow('Another machine');
    await joining.admit(await keys.verifyNodeToken((await joining.join(second, address)).nodeToken));
  });

  it('keeps a machine admitted that the engine invites again after a crash', async () => {
    const { nodeToken } = await joining.join(await joining.invite(guest(1), 60), address);

    await joining.invite(guest(1), 60);

    await joining.admit(await keys.verifyNodeToken(nodeToken));
  });

  it.each([
    ['nonsense', async () => 'nonsense'],
    ['one that has ended', async () => joining.invite(guest(1), -10)],
    ['a node token', async () => keys.mintNodeToken({ nodeId, kind: 'render', incarnation: 1 })],
    [
      'one that another broker signed',
      async () => {
        const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
        const jwk = { ...privateKey.export({ format: 'jwk' }), kid: 'test', kty: 'EC' };
        return (await openBrokerKeys(jwk)).mintJoinToken(guest(1), 60);
      },
    ],
  ])('refuses %s', async (_what, mint) => {
    await expect(joining.join(await mint(), address)).rejects.toMatchObject({ code: 'join.refused' });
    expect(told.at(-1)).toBe('refused ?: The join token is not valid or has expired');
  });

  it('takes a join token for no node token, and a node set up by hand as it is', async () => {
    await expect(keys.verifyNodeToken(await joining.invite(guest(1), 60))).rejects.toThrow('not valid');
    const byHand = nodeIdSchema.parse('storage-1');

    await joining.admit(
      await keys.verifyNodeToken(await keys.mintNodeToken({ nodeId: byHand, kind: 'storage' })),
    );
    await expect(
      joining.admit(await keys.verifyNodeToken(await keys.mintNodeToken({ nodeId, kind: 'render' }))),
    ).rejects.toMatchObject({ code: 'join.refused' });
  });
});
