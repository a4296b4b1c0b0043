import { AppError, type AuditAction } from '@medusa/protocol';
import type { AuditTrail } from '../../audit/index.ts';
import type { By } from '../../provision/index.ts';
import type { UserCaller } from '../caller.ts';

type Change = {
  readonly audit: AuditTrail;
  readonly caller: UserCaller;
  readonly action: Extract<
    AuditAction,
    | 'provider.changed'
    | 'pool.changed'
    | 'resource.changed'
    | 'service.changed'
    | 'agreement.changed'
    | 'quarantine.changed'
    | 'retention.changed'
    | 'entity.changed'
    | 'certificate.changed'
  >;
  readonly objectId: string;
  /** What was asked for; never a secret. */
  readonly asked: unknown;
};

const mostDetail = 2_000;

/** Makes a change in the caller's name and writes it to the audit trail: also the attempt that failed. */
export async function audited<Value>(change: Change, make: (by: By) => Promise<Value>): Promise<Value> {
  const { audit, caller, action, objectId } = change;
  const asked = JSON.stringify(change.asked).slice(0, mostDetail);
  const fact = { action, actor: caller.actor, objectType: action.replace('.changed', ''), objectId };
  const made = await make({ actor: caller.user.name }).catch(async (error: unknown) => {
    const code = error instanceof AppError ? error.code : 'internal';
    await audit.record({ ...fact, outcome: 'failure', detail: `${code} ${asked}` });
    throw error;
  });
  await audit.record({ ...fact, detail: asked });
  return made;
}
