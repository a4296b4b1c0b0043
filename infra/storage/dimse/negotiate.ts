import type { Permission } from '../entities/registry.ts';
import type { AssociateRequest, ContextResult } from './associate.ts';
import type { AcceptedContext } from './operation.ts';
import { acceptContext, serviceOf } from './services.ts';
import type { AsyncWindow, Role, UserInformation } from './user-information.ts';

/** Objects of one peer that are made durable at once; each waits for the disk, not for the processor. */
export const mostOperations = 8;

export type Negotiated = {
  readonly contexts: ReadonlyMap<number, AcceptedContext>;
  readonly results: readonly ContextResult[];
  readonly user: Partial<UserInformation>;
  readonly window: number;
};

type Terms = {
  readonly may: ReadonlySet<Permission>;
  /** SOP classes that it may store; none: any. */
  readonly sopClasses: readonly string[];
  readonly holds: (sopClassUID: string, transferSyntax: string) => boolean;
};

/** What of a request is accepted, for a caller who was admitted (PS3.7 annex D). */
export function negotiate({ contexts: proposed, user }: AssociateRequest, terms: Terms): Negotiated {
  const receivers = new Set(user.roles.filter(({ isScp }) => isScp).map(({ sopClassUID }) => sopClassUID));
  // Only who may retrieve is sent anything; for all others the role it did not get remains the usual one.
  const isReceiver = (sopClassUID: string): boolean =>
    receivers.has(sopClassUID) && terms.may.has('retrieve') && serviceOf(sopClassUID)?.kind === 'storage';
  const takes = (sopClassUID: string): boolean =>
    terms.sopClasses.length === 0 || terms.sopClasses.includes(sopClassUID);
  const results = proposed.map((context) => acceptContext(context, { ...terms, isReceiver, takes }));
  const contexts = new Map<number, AcceptedContext>();
  results.forEach((result, index) => {
    const abstractSyntax = proposed[index]?.abstractSyntax;
    if (result.result === 'accepted' && abstractSyntax !== undefined)
      contexts.set(result.id, {
        id: result.id,
        abstractSyntax,
        transferSyntax: result.transferSyntax,
        isReceiver: isReceiver(abstractSyntax),
      });
  });
  const asyncWindow = user.asyncWindow && answerTo(user.asyncWindow);
  return {
    contexts,
    results,
    window: asyncWindow?.invoked ?? 1,
    user: {
      asyncWindow,
      roles: user.roles.map((role) => roleAnswer(role, isReceiver(role.sopClassUID))),
      extended: new Map(
        [...user.extended.keys()]
          .filter((uid) => ['find', 'move', 'get'].includes(serviceOf(uid)?.kind ?? ''))
          .map((uid) => [uid, relationalQueries]),
      ),
    },
  };
}

/** PS3.4 §C.5.1.1.1: relational queries yes; combined date and time, fuzzy names, time zones no. */
const relationalQueries = Buffer.of(1, 0, 0, 0, 0);

/** PS3.7 §D.3.3.3: at most what was proposed. Of our own, sub-operations, there is one at a time. */
function answerTo({ invoked }: AsyncWindow): AsyncWindow {
  return { invoked: invoked === 0 ? mostOperations : Math.min(invoked, mostOperations), performed: 1 };
}

function roleAnswer({ sopClassUID, isScu, isScp }: Role, isReceiver: boolean): Role {
  return { sopClassUID, isScu: isScu && !isReceiver, isScp: isScp && isReceiver };
}
