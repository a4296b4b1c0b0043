import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '@medusa/protocol';
import type { Logger } from 'pino';
import { release, type ReleaseDeps } from './release.ts';
import type { Scanner } from './scanner.ts';

type RescanDeps = ReleaseDeps & { readonly scanner: Scanner; readonly everyMs: number; readonly log: Logger };

/** In one turn; a scanner that was away for long has so many to look at. */
const mostInTurn = 10_000;

/** Scans what waits for the scanner until it has spoken: then it is let in, or held for an administrator. */
export function startRescan(deps: RescanDeps): AsyncDisposable {
  const ending = new AbortController();
  const running = run(deps, ending.signal);
  return {
    async [Symbol.asyncDispose]() {
      ending.abort();
      await running;
    },
  };
}

async function run(deps: RescanDeps, ending: AbortSignal): Promise<void> {
  const rest = async (): Promise<boolean> => delay(deps.everyMs, true, { signal: ending }).catch(() => false);
  while (await rest())
    try {
      await scanWaiting(deps, ending);
    } catch (error) {
      deps.log.error({ err: error }, 'objects in quarantine could not be scanned');
    }
}

async function scanWaiting(deps: RescanDeps, ending: AbortSignal): Promise<void> {
  const { quarantine, objects, scanner, log } = deps;
  for (const { id } of quarantine.waiting(mostInTurn)) {
    if (ending.aborted) return;
    const verdict = await scanner.scan(objects.quarantinePathOf(id));
    if (verdict.kind === 'unknown') {
      if (verdict.isAway) return;
      continue;
    }
    if (verdict.kind === 'infected') quarantine.hold(id, `infected: ${verdict.name}`);
    else await letIn(id, deps);
    log.info({ verdict: verdict.kind }, 'an object in quarantine was scanned');
  }
}

async function letIn(id: string, deps: RescanDeps): Promise<void> {
  try {
    await release(id, deps);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    // An administrator was faster, or it cannot be stored, which more scans would not change.
    deps.quarantine.hold(id, error.message.slice(0, 200));
  }
}
