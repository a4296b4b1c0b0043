import {
  AppError,
  nodeIdSchema,
  parseInput,
  quarantineIdSchema,
  quarantineListSchema,
  quarantineReleasedSchema,
  type NodeId,
} from '@medusa/protocol';
import { z } from 'zod';
import type { AuditTrail } from '../../audit/index.ts';
import type { BrokerKeys } from '../../identity/index.ts';
import type { NodeRegistry } from '../../node/index.ts';
import type { UserCaller } from '../caller.ts';
import { callNode } from '../node-call.ts';
import { route, type RouteDefinition } from '../route.ts';
import { audited } from './audited.ts';

type QuarantineDeps = {
  readonly nodes: NodeRegistry;
  readonly keys: BrokerKeys;
  readonly audit: AuditTrail;
};

const tokenSeconds = 60;
const timeLimitMs = 60_000;
const byNode = z.object({ id: nodeIdSchema });
const byObject = z.object({ id: nodeIdSchema, object: quarantineIdSchema });

/** What storage nodes keep and serve to nobody. The node does it; who wanted it is told here. */
export function quarantineRoutes(deps: QuarantineDeps): RouteDefinition[] {
  const { audit } = deps;
  const path = '/api/nodes/:id/quarantine';
  return [
    route({
      method: 'get',
      path,
      summary: 'Objects in the quarantine of a storage node, newest first; reading it is audited',
      access: ['admin'],
      params: byNode,
      response: quarantineListSchema,
      handle: async ({ params: { id }, caller, signal }) => {
        await audit.recordOncePerMinute({
          action: 'quarantine.read',
          actor: caller.actor,
          objectType: 'node',
          objectId: id,
        });
        const answer = await ask(deps, { method: 'GET', id, path: '', caller, signal });
        return { body: parseInput(quarantineListSchema, answer) };
      },
    }),
    route({
      method: 'post',
      path: `${path}/:object/release`,
      summary: 'Let an object in quarantine be stored, whatever was found in it',
      access: ['admin'],
      params: byObject,
      response: quarantineReleasedSchema,
      handle: async ({ params: { id, object }, caller, signal }) => {
        const asked = { node: id, act: 'release' };
        const change = { audit, caller, action: 'quarantine.changed', objectId: object, asked } as const;
        const answer = await audited(change, async () =>
          ask(deps, { method: 'POST', id, path: `/${object}/release`, caller, signal }),
        );
        return { body: parseInput(quarantineReleasedSchema, answer) };
      },
    }),
    route({
      method: 'delete',
      path: `${path}/:object`,
      summary: 'Delete an object in quarantine for good',
      access: ['admin'],
      params: byObject,
      response: byObject,
      handle: async ({ params: { id, object }, caller, signal }) => {
        const asked = { node: id, act: 'delete' };
        const change = { audit, caller, action: 'quarantine.changed', objectId: object, asked } as const;
        await audited(change, async () =>
          ask(deps, { method: 'DELETE', id, path: `/${object}`, caller, signal }),
        );
        return { body: { id, object } };
      },
    }),
  ];
}

type Asked = {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly id: NodeId;
  /** Below that of the quarantine. */
  readonly path: string;
  readonly caller: UserCaller;
  readonly signal: AbortSignal;
};

async function ask(
  { nodes, keys }: QuarantineDeps,
  { method, id, path, caller, signal }: Asked,
): Promise<unknown> {
  if (nodes.view(id)?.kind !== 'storage') throw new AppError('node.unknown', 'There is no such storage node');
  const storage = nodes.storageUrl(id);
  if (!storage) throw new AppError('storage.unreachable', 'The storage node is not connected');
  const token = await keys.signStudyToken(
    { sub: caller.user.id, study: '*', permission: 'admin' },
    tokenSeconds,
  );
  const url = new URL(`/quarantine${path}`, storage.baseUrl);
  return callNode({
    method,
    url,
    token,
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeLimitMs)]),
  });
}
