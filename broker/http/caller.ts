import type { IncomingMessage } from 'node:http';
import { AppError, type StudyTokenClaims } from '@medusa/protocol';
import type { AuditActor, AuditTrail } from '../audit/index.ts';
import type { BrokerKeys, User, VerifyToken } from '../identity/index.ts';

/** Who asks, as a verified token says. */
export type Caller =
  | { readonly kind: 'user'; readonly user: User; readonly actor: AuditActor }
  | {
      readonly kind: 'study-token';
      readonly claims: StudyTokenClaims;
      readonly token: string;
      readonly actor: AuditActor;
    };
export type UserCaller = Extract<Caller, { kind: 'user' }>;

export type Authenticate = {
  user(request: IncomingMessage): Promise<UserCaller>;
  userOrStudyToken(request: IncomingMessage): Promise<Caller>;
};

function actorOf(user: User, address: string): AuditActor {
  return { id: user.id, name: user.name, address };
}

export function addressOf(request: IncomingMessage): string {
  return request.socket.remoteAddress ?? '';
}

export function createAuthenticate(deps: {
  verify: VerifyToken;
  keys: BrokerKeys;
  audit: AuditTrail;
}): Authenticate {
  const user = async (request: IncomingMessage): Promise<UserCaller> => {
    const verified = await deps.verify(bearerOf(request));
    const actor = actorOf(verified, addressOf(request));
    await deps.audit.recordLoginOnce(verified.loginId, actor);
    return { kind: 'user', user: verified, actor };
  };
  return {
    user,
    async userOrStudyToken(request) {
      const token = bearerOf(request);
      const claims = await deps.keys.verifyStudyToken(token).catch(() => undefined);
      if (!claims) return user(request);
      const actor = { id: claims.sub, name: claims.sub, address: addressOf(request) };
      return { kind: 'study-token', claims, token, actor };
    },
  };
}

/** RFC 6750 §2.1. */
function bearerOf({ headers }: IncomingMessage): string {
  const token = /^Bearer ([\w.~+/-]+=*)$/i.exec(headers.authorization ?? '')?.[1];
  if (token === undefined) throw new AppError('identity.required', 'A Bearer token is required');
  return token;
}
