import { AppError, sessionIdSchema } from '@medusa/protocol';
import { hasAnyRole } from '../identity/index.ts';
import { isLive, type Sessions } from '../session/index.ts';
import type { Caller } from './caller.ts';

/** What a DICOMweb request is about, by its method and path (PS3.18 §8.2). */
export type DicomwebTarget =
  /** Retrieve from one study, or search in it. */
  | { readonly kind: 'study'; readonly studyInstanceUID: string }
  /** QIDO-RS over all studies. */
  | { readonly kind: 'search' }
  /** STOW-RS. */
  | { readonly kind: 'store' };

export type Admission = {
  readonly study: string;
  readonly permission: 'read' | 'write';
  /** For the audit trail: by which right. */
  readonly context: string;
};

/** `path` is what follows `/dicomweb`. Undefined: no service that we offer. */
export function parseDicomwebTarget(method: string, path: string): DicomwebTarget | undefined {
  // Nothing that a server behind us could read as another path than we do.
  if (!/^[\w.,:/-]*$/.test(path) || path.split('/').includes('..')) return undefined;
  const study = /^\/studies\/([0-9.]{1,64})(\/.*)?$/.exec(path);
  if (method === 'POST') return path === '/studies' || (study && !study[2]) ? { kind: 'store' } : undefined;
  if (study?.[1] !== undefined) return { kind: 'study', studyInstanceUID: study[1] };
  return /^\/(studies|series|instances)\/?$/.test(path) ? { kind: 'search' } : undefined;
}

/** Who may do what; throws `access.refused`. */
export async function admitDicomweb(
  target: DicomwebTarget,
  caller: Caller,
  sessions: Sessions,
): Promise<Admission> {
  if (caller.kind === 'study-token') return admitStudyToken(target, caller, sessions);
  const { user } = caller;
  switch (target.kind) {
    case 'search':
      if (hasAnyRole(user, ['radiologist'])) return { study: '*', permission: 'read', context: 'search' };
      break;
    case 'store':
      if (hasAnyRole(user, ['radiologist', 'admin']))
        return { study: '*', permission: 'write', context: 'store' };
      break;
    case 'study': {
      const { studyInstanceUID: study } = target;
      if (hasAnyRole(user, ['radiologist'])) return { study, permission: 'read', context: 'dicomweb' };
      const session = await sessions.findLiveFor(user, study);
      if (session) return { study, permission: 'read', context: `session ${session.id}` };
      break;
    }
  }
  throw new AppError('access.refused', 'This study is not open to you');
}

/** A token given out for local reading is good for its own study, and only while its session lives. */
async function admitStudyToken(
  target: DicomwebTarget,
  { claims }: Extract<Caller, { kind: 'study-token' }>,
  sessions: Sessions,
): Promise<Admission> {
  const sessionId = sessionIdSchema.safeParse(claims.session).data;
  if (target.kind !== 'study' || target.studyInstanceUID !== claims.study || sessionId === undefined)
    throw new AppError('access.refused', 'The token is not for this');
  const session = await sessions.get(sessionId);
  if (!isLive(session)) throw new AppError('identity.rejected', 'The session of this token is closed');
  return { study: target.studyInstanceUID, permission: 'read', context: `session ${sessionId}` };
}
