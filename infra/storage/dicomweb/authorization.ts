import { AppError, studyTokenClaimsSchema, type StudyTokenClaims } from '@medusa/protocol';
import type { RequestHandler, Response } from 'express';
import { errors, jwtVerify, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';

/** A token that was good is believed so long without another look at its signature. */
const believedMs = 60_000;
const mostBelieved = 1_000;

type Believed = { readonly claims: StudyTokenClaims; readonly untilMs: number };

/** Lets in who carries a study token signed by the broker. What it may do is asked of `claimsOf` by each route. */
export function requireStudyToken(keys: JWTVerifyGetKey): RequestHandler {
  // A viewer asks for hundreds of frames with one token.
  const believed = new Map<string, Believed>();
  return async (req, res, next) => {
    const token = /^Bearer (.+)$/i.exec(req.get('authorization') ?? '')?.[1];
    if (!token) throw new AppError('identity.required', 'A study token is needed');
    let known = believed.get(token);
    if (!known || known.untilMs <= Date.now()) {
      believed.delete(token);
      known = await verify(token, keys);
      if (believed.size >= mostBelieved) believed.clear();
      believed.set(token, known);
    }
    res.locals['claims'] = known.claims;
    next();
  };
}

async function verify(token: string, keys: JWTVerifyGetKey): Promise<Believed> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      audience: 'medusa-storage',
      algorithms: ['ES256'],
      requiredClaims: ['exp'],
    });
    const claims = studyTokenClaimsSchema.parse(payload);
    return { claims, untilMs: Math.min((payload.exp ?? 0) * 1_000, Date.now() + believedMs) };
  } catch (error) {
    if (!isFaultOfToken(error))
      throw new AppError('storage.unreachable', 'Tokens cannot be checked at the moment', { cause: error });
    throw new AppError('identity.rejected', 'The study token is not valid', { cause: error });
  }
}

/** All else means that the broker's keys could not be had, which is not the caller's fault. */
function isFaultOfToken(error: unknown): boolean {
  if (error instanceof z.ZodError) return true;
  const isAboutKeys = error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid;
  return error instanceof errors.JOSEError && !isAboutKeys && error.code !== 'ERR_JOSE_GENERIC';
}

export function claimsOf(res: Response): StudyTokenClaims {
  return res.locals['claims'] as StudyTokenClaims;
}

/** Who may look after the quarantine need not see pictures. */
export const refuseAdministrators: RequestHandler = (_req, res, next) => {
  if (claimsOf(res).permission === 'admin')
    throw new AppError('access.refused', 'The token is for the quarantine');
  next();
};

/** The one study that the token is for; undefined when it is for all. */
export function onlyStudyOf(res: Response): string | undefined {
  const { study } = claimsOf(res);
  return study === '*' ? undefined : study;
}

/** @throws AppError `access.refused` */
export function requireStudy(res: Response, study: string): void {
  const only = onlyStudyOf(res);
  if (only !== undefined && only !== study)
    throw new AppError('access.refused', 'The token is for another study');
}
