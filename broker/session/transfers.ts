import {
  AppError,
  mostTransferBytes,
  roleSchema,
  transferResponseSchema,
  transferSchema,
  type Application,
  type ParticipantId,
  type Role,
  type Transfer,
  type TransferPolicy,
  type TransferRequest,
  type TransferResponse,
  type TransferRights,
  type TransferRules,
} from '@medusa/protocol';
import type { AuditActor, AuditTrail } from '../audit/index.ts';
import type { NodeRegistry } from '../node/index.ts';
import type { SessionRecord } from './session-record.ts';

type Deps = {
  readonly rules: TransferRules;
  readonly mostBytes: number;
  readonly applications: readonly Application[];
  readonly nodes: Pick<NodeRegistry, 'command'>;
  readonly audit: AuditTrail;
};
type Asker = {
  readonly session: SessionRecord;
  readonly participantId: ParticipantId;
  readonly roles: readonly Role[];
  readonly actor: AuditActor;
};
type Told = { readonly asker: Asker; readonly kind: Transfer };

/** What may pass between the displays of sessions and the clipboards of their users: by role, and by application at most. */
export interface Transfers {
  readonly policy: TransferPolicy;
  rightsOf(session: Pick<SessionRecord, 'applicationId' | 'mode'>, roles: readonly Role[]): TransferRights;
  /**
   * Each transfer is in the audit trail with its size before its text is handed on, and never the text.
   * @throws AppError `transfer.refused`, `transfer.too-large`
   */
  carryOut(asker: Asker, request: TransferRequest): Promise<TransferResponse>;
}

export function createTransfers(deps: Deps): Transfers {
  const { rules, applications, nodes } = deps;
  const mostBytes = Math.min(deps.mostBytes, mostTransferBytes);
  const atMostOf = (id: string): readonly Transfer[] =>
    applications.find((application) => application.id === id)?.transfers ?? transferSchema.options;
  const rightsOf: Transfers['rightsOf'] = ({ applicationId, mode }, roles) => {
    const atMost = mode === 'streamed' ? atMostOf(applicationId) : [];
    const isAllowed = (transfer: Transfer): boolean =>
      atMost.includes(transfer) && roles.some((role) => rules[role]?.includes(transfer) === true);
    return { allowed: transferSchema.options.filter(isAllowed), mostBytes };
  };

  return {
    rightsOf,
    policy: {
      roles: roleSchema.options.map((role) => ({ role, allowed: rules[role] ?? [] })),
      applications: applications
        .filter(({ modes }) => modes.includes('streamed'))
        .map(({ id, name, transfers }) => ({ id, name, atMost: transfers ?? null })),
      mostBytes,
      files: 'denied',
    },
    async carryOut(asker, request) {
      const { session, participantId, roles } = asker;
      const told = { asker, kind: request.kind };
      const rights = rightsOf(session, roles);
      try {
        admit(request, rights);
        if (request.kind === 'paste') await record(deps, told, Buffer.byteLength(request.text));
        const relayed = { sessionId: session.id, participantId, rights, request };
        const answer = await nodes.command(nodeOf(session), 'transfer.request', relayed);
        const response = transferResponseSchema.parse(answer);
        if (response.kind === 'copy' && response.text !== null)
          await record(deps, told, Buffer.byteLength(response.text));
        return response;
      } catch (error) {
        await recordRefusal(deps, told, error);
        throw error;
      }
    },
  };
}

/** The render node looks at the same: nothing that is refused anyhow is sent there. */
function admit(request: TransferRequest, { allowed, mostBytes }: TransferRights): void {
  if (!allowed.includes(request.kind))
    throw new AppError('transfer.refused', 'Your role may not transfer this way in this session');
  if (request.kind === 'paste' && Buffer.byteLength(request.text) > mostBytes)
    throw new AppError('transfer.too-large', `No more than ${mostBytes} bytes may be pasted at once`);
}

function nodeOf({ nodeId, state }: SessionRecord): NonNullable<SessionRecord['nodeId']> {
  if (nodeId === null || state !== 'streaming')
    throw new AppError('stream.unknown', `The session is ${state}`);
  return nodeId;
}

const factOf = ({ asker, kind }: Told) =>
  ({
    action: kind === 'copy' ? 'clipboard.copied' : 'clipboard.pasted',
    actor: asker.actor,
    objectType: 'session',
    objectId: asker.session.id,
  }) as const;

async function record({ audit }: Deps, told: Told, bytes: number): Promise<void> {
  const way = told.kind === 'copy' ? 'out of the display' : 'into the display';
  await audit.record({ ...factOf(told), detail: `${way}, ${bytes} bytes` });
}

async function recordRefusal({ audit }: Deps, told: Told, error: unknown): Promise<void> {
  const code = error instanceof AppError ? error.code : 'internal';
  const outcome = code.startsWith('transfer.') ? 'refused' : 'failure';
  await audit.recordOncePerMinute({ ...factOf(told), outcome, detail: code });
}
