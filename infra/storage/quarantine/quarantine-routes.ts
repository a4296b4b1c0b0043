import { AppError, parseInput, quarantineIdSchema, type QuarantineList } from '@medusa/protocol';
import { Router } from 'express';
import type { Logger } from 'pino';
import { claimsOf } from '../dicomweb/authorization.ts';
import { release, unknownObject, type ReleaseDeps } from './release.ts';

const mostListed = 500;

/** What the broker asks in the name of an administrator, with a token that says so. It audits; here each act is logged. */
export function quarantineRoutes(deps: ReleaseDeps, log: Logger): Router {
  const router = Router();
  router.use((_req, res, next) => {
    const { permission, study } = claimsOf(res);
    if (permission !== 'admin' || study !== '*')
      throw new AppError('access.refused', 'The token is not for the quarantine');
    res.set('Cache-Control', 'no-store');
    next();
  });
  router.get('/', (_req, res) => {
    const { objects, total } = deps.quarantine.list(mostListed);
    res.json({ objects: [...objects], total } satisfies QuarantineList);
  });
  router.post('/:id/release', async (req, res) => {
    const id = parseInput(quarantineIdSchema, req.params.id);
    const released = await release(id, deps);
    log.warn({ id, by: claimsOf(res).sub, ...released }, 'an object was released from quarantine');
    res.json(released);
  });
  router.delete('/:id', async (req, res) => {
    const id = parseInput(quarantineIdSchema, req.params.id);
    if (!deps.quarantine.find(id)) throw unknownObject();
    await deps.quarantine.remove(id);
    log.warn({ id, by: claimsOf(res).sub }, 'an object in quarantine was deleted');
    res.status(204).end();
  });
  return router;
}
