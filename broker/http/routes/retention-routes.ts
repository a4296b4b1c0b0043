import {
  AppError,
  dueStudiesSchema,
  heldStudiesSchema,
  nodeIdSchema,
  parseInput,
  retentionSchema,
  rulingRequestSchema,
  uidSchema,
  type NodeId,
} from '@medusa/protocol';
import { z } from 'zod';
import type { AuditTrail } from '../../audit/index.ts';
import type { BrokerKeys } from '../../identity/index.ts';
import type { NodeRegistry } from '../../node/index.ts';
import type { StudyIndex } from '../../study/index.ts';
import type { UserCaller } from '../caller.ts';
import { callNode } from '../node-call.ts';
import { route, type RouteDefinition } from '../route.ts';
import { audited } from './audited.ts';

type RetentionDeps = {
  readonly nodes: NodeRegistry;
  readonly studies: Pick<StudyIndex, 'findNode'>;
  readonly keys: BrokerKeys;
  readonly audit: AuditTrail;
};

const tokenSeconds = 60;
const timeLimitMs = 60_000;
const byNode = z.object({ id: nodeIdSchema });
const byStudy = z.object({ study: uidSchema });

/** Legal holds, and what is due to be removed. The storage node does it and tells its peers; who wanted it is told here. */
export function retentionRoutes(deps: RetentionDeps): RouteDefinition[] {
  const { audit, studies } = deps;
  const path = '/api/studies/:study/retention';
  const rulings = (['hold', 'unhold'] as const).map((kind) =>
    route({
      method: 'post',
      path: `${path}/${kind}`,
      summary: kind === 'hold' ? 'Keep a study whatever the rules say' : 'End the legal hold of a study',
      access: ['admin'],
      params: byStudy,
      body: rulingRequestSchema,
      response: retentionSchema,
      handle: async ({ params: { study }, body, caller, signal }) => {
        const change = {
          ...({ audit, caller, action: 'retention.changed', objectId: study } as const),
          asked: { act: kind, ...body },
        };
        const answer = await audited(change, async () => {
          const id = await studies.findNode(study);
          return ask(deps, { method: 'POST', id, path: `/studies/${study}/${kind}`, body, caller, signal });
        });
        return { body: parseInput(retentionSchema, answer) };
      },
    }),
  );
  return [
    ...rulings,
    route({
      method: 'get',
      path,
      summary: 'What was decided about a study: legal holds, their ends, its removal',
      access: ['admin'],
      params: byStudy,
      response: retentionSchema,
      handle: async ({ params: { study }, caller, signal }) => {
        const id = await studies.findNode(study);
        const answer = await ask(deps, { method: 'GET', id, path: `/studies/${study}`, caller, signal });
        return { body: parseInput(retentionSchema, answer) };
      },
    }),
    route({
      method: 'get',
      path: '/api/nodes/:id/retention/due',
      summary: 'Studies of a storage node whose retention period is over and that are still there',
      access: ['admin'],
      params: byNode,
      response: dueStudiesSchema,
      handle: async ({ params: { id }, caller, signal }) => ({
        body: parseInput(dueStudiesSchema, await askOf(deps, { id, path: '/due', caller, signal })),
      }),
    }),
    route({
      method: 'get',
      path: '/api/nodes/:id/retention/held',
      summary: 'Studies under a legal hold, as a storage node knows them',
      access: ['admin'],
      params: byNode,
      response: heldStudiesSchema,
      handle: async ({ params: { id }, caller, signal }) => ({
        body: parseInput(heldStudiesSchema, await askOf(deps, { id, path: '/held', caller, signal })),
      }),
    }),
  ];
}

type Asked = {
  readonly method: 'GET' | 'POST';
  /** Undefined: any node, as all come to know. */
  readonly id: NodeId | undefined;
  readonly path: string;
  readonly body?: unknown;
  readonly caller: UserCaller;
  readonly signal: AbortSignal;
};

/** A storage node, or while it is away one that has the same objects, and so the same rulings. */
async function askOf(
  deps: RetentionDeps,
  asked: Omit<Asked, 'method' | 'body'> & { id: NodeId },
): Promise<unknown> {
  if (deps.nodes.view(asked.id)?.kind !== 'storage')
    throw new AppError('node.unknown', 'There is no such storage node');
  return ask(deps, { method: 'GET', ...asked });
}

async function ask({ nodes, keys }: RetentionDeps, asked: Asked): Promise<unknown> {
  const { method, id, path, body, caller, signal } = asked;
  const storage = nodes.storageUrl(id);
  if (!storage) throw new AppError('storage.unreachable', 'The storage node is not connected');
  const claims = { sub: caller.user.id, study: '*', permission: 'admin' } as const;
  return callNode({
    method,
    url: new URL(`/retention${path}`, storage.baseUrl),
    token: await keys.signStudyToken(claims, tokenSeconds),
    ...(body !== undefined && { body }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeLimitMs)]),
  });
}
