import { AppError, parseInput, uidSchema, type HeldStudies } from '@medusa/protocol';
import express, { Router } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Rulings } from '../availability/rulings.ts';
import { claimsOf } from '../dicomweb/authorization.ts';
import type { Keeper } from './keeper.ts';

type RetentionRoutesDeps = {
  readonly rulings: Rulings;
  readonly keeper: Pick<Keeper, 'due'>;
  readonly now: () => Date;
  readonly log: Logger;
};

const mostListed = 500;
const rulingSchema = z.strictObject({ reason: z.string().trim().min(1).max(1024) });

/** What the broker asks in the name of an administrator. Who did what is told to the audit trail with the ruling itself. */
export function retentionRoutes({ rulings, keeper, now, log }: RetentionRoutesDeps): Router {
  const router = Router();
  router.use((_req, res, next) => {
    const { permission, study } = claimsOf(res);
    if (permission !== 'admin' || study !== '*')
      throw new AppError('access.refused', 'The token is not for retention');
    res.set('Cache-Control', 'no-store');
    next();
  });
  router.get('/due', (_req, res) => {
    const due = keeper.due();
    res.json({ studies: due.slice(0, mostListed), total: due.length });
  });
  router.get('/held', (_req, res) => {
    const { studies, total } = rulings.held(mostListed);
    res.json({ studies: [...studies], total } satisfies HeldStudies);
  });
  router.get('/studies/:study', (req, res) => {
    const study = parseInput(uidSchema, req.params.study);
    res.json({ isHeld: rulings.isHeld(study), rulings: rulings.of(study) });
  });
  for (const kind of ['hold', 'unhold'] as const)
    router.post(`/studies/:study/${kind}`, express.json({ limit: '16kb' }), (req, res) => {
      const study = parseInput(uidSchema, req.params.study);
      const { reason } = parseInput(rulingSchema, req.body);
      // Before a study comes, too: it is held from its first object on.
      const by = claimsOf(res).sub;
      rulings.make({ studyInstanceUID: study, kind, at: now().toISOString(), by, reason });
      log.warn({ by, kind }, 'a legal hold was changed');
      res.json({ isHeld: rulings.isHeld(study), rulings: rulings.of(study) });
    });
  return router;
}
