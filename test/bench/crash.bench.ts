import { parseArgs } from 'node:util';
import { startTestDatabase, type ProviderDriver, type TestDatabase } from '@medusa/broker/support/bench';
import { launchEngine, type EngineProcess } from './crash/engine-process.ts';
import { openLedger } from './crash/ledger.ts';
import { openProvider, type Provider } from './crash/open-provider.ts';
import { isThere, places, signal, type Place } from './crash/places.ts';
import { sweepOrphans } from './crash/sweep.ts';
import { median, printResult, progress } from './report.ts';

/**
 * Kills a broker's engine (SIGKILL) at every statement to the database and every call to the provider while it creates or destroys a
 * machine, before the step reaches the other side and after it was done there; starts another one; and counts what it takes to have
 * exactly what is wanted. Then plants orphans and waits until they are swept.
 */
const { values: options } = parseArgs({
  options: {
    provider: { type: 'string', multiple: true },
    runs: { type: 'string', default: '200' },
    /** Machines that are created or destroyed at once when the engine is killed: each counts as a run. */
    together: { type: 'string', default: '1' },
    lanes: { type: 'string' },
    orphans: { type: 'string', default: '100' },
    verbose: { type: 'boolean', default: false },
  },
});

type Verb = 'create' | 'destroy';
type Outcome = {
  readonly verb: Verb;
  readonly point: number;
  readonly step: string;
  readonly loops: number;
  readonly waits: number;
  readonly convergedMs: number;
  /** Not exactly what is wanted was there in the end. */
  readonly isWrong: boolean;
};

async function thingsOf(driver: ProviderDriver, owner: string, id: string): Promise<number> {
  const things = await driver.machines.list(owner, signal());
  return things.filter((thing) => thing.tag.resource === id && isThere(thing)).length;
}

/** One lane: its own database, so that nobody else takes over what the killed engine left. */
async function runLane(
  place: Place,
  {
    database,
    name,
    runs,
    share,
  }: { database: TestDatabase; name: string; runs: number; share: { lane: number; lanes: number } },
): Promise<{ outcomes: Outcome[]; points: Record<Verb, number>; doubled: number; leaked: number }> {
  const { provider, machine, timeoutMs } = place;
  const databaseUrl = await database.create(name);
  await using ledger = await openLedger(databaseUrl, provider.kind);
  await using driver = await openProvider(provider);
  const launch = async (): Promise<EngineProcess> =>
    launchEngine(databaseUrl, { provider, rollCallMs: 3_600_000, cap: 25 });
  await using watch = watchDoubles(driver, ledger.owner, provider.kind === 'openstack' ? 1_000 : 250);

  const together = Number(options.together);
  const state = async (verb: Verb, ids: readonly string[]): Promise<void> => {
    await Promise.all(
      ids.map(async (id) => (verb === 'create' ? ledger.want(id, machine) : ledger.unwant(id))),
    );
  };
  const settled = async (verb: Verb, ids: readonly string[]): Promise<void> => {
    for (const id of ids) await ledger.settled(id, verb === 'create' ? 'ready' : 'absent', timeoutMs);
  };

  let engine = await launch();
  await engine.start();
  try {
    const points = await measure(engine, { state, settled, together });
    progress(`${name}: ${points.create} steps to create, ${points.destroy} to destroy`);
    const outcomes: Outcome[] = [];
    // A run that was over before its step came is none; how many steps there are differs from run to run.
    const isKilled = ({ step }: Outcome): boolean => step !== 'done';
    for (let kill = 0; outcomes.filter(isKilled).length < runs && kill * together < 3 * runs; kill += 1) {
      const verb: Verb = kill % 2 === 0 ? 'create' : 'destroy';
      const ids = Array.from({ length: together }, (_, index) => `run-${Math.floor(kill / 2)}-${index}`);
      const point = pointOf(Math.floor(kill / 2) * share.lanes + share.lane, points[verb], {
        turns: Math.ceil((runs * share.lanes) / together / 2),
      });
      engine.arm(point);
      await state(verb, ids);
      const next = await launch();
      const step = await Promise.race([
        engine.killed,
        settled(verb, ids).then(
          () => 'done',
          () => 'stuck',
        ),
      ]);
      await engine[Symbol.asyncDispose]();
      engine = next;
      const since = await ledger.now();
      await engine.start();
      await settled(verb, ids).catch((error: unknown) => {
        const said = engine.errors.join('\n');
        throw new Error(
          `${verb} killed at step ${point} (${step}) did not settle; the next engine said: ${said}`,
          {
            cause: error,
          },
        );
      });
      const convergedMs = (await ledger.now()).getTime() - since.getTime();
      for (const id of ids) {
        const things = await thingsOf(driver, ledger.owner, id);
        const isWrong = things !== (verb === 'create' ? 1 : 0);
        const looks = await ledger.looksSince(id, since);
        outcomes.push({ verb, point, step, convergedMs, isWrong, ...looks });
        tell(`${name}: ${id}: ${verb} killed at step ${point} (${step}), ${things} there`, outcomes.at(-1));
      }
    }
    const strays = (await driver.machines.list(ledger.owner, signal())).filter(isThere);
    const leaked = strays.filter(({ tag }) => !tag.resource.startsWith('run-')).length;
    return { outcomes, points, doubled: watch.doubled(), leaked };
  } finally {
    await engine[Symbol.asyncDispose]();
  }
}

/** Spread over all the steps there are; the first turns take the first of each stretch. */
function pointOf(turn: number, points: number, { turns }: { turns: number }): number {
  return 1 + (turns >= points ? turn % points : Math.floor((turn * points) / turns));
}

/** How many steps there are when nobody is killed. */
async function measure(
  engine: EngineProcess,
  {
    state,
    settled,
    together,
  }: {
    state: (verb: Verb, ids: readonly string[]) => Promise<void>;
    settled: (verb: Verb, ids: readonly string[]) => Promise<void>;
    together: number;
  },
): Promise<Record<Verb, number>> {
  const ids = Array.from({ length: together }, (_, index) => `measure-${index}`);
  const stepsOf = async (verb: Verb): Promise<number> => {
    engine.arm(Number.POSITIVE_INFINITY);
    await state(verb, ids);
    await settled(verb, ids);
    return engine.steps.length;
  };
  return { create: await stepsOf('create'), destroy: await stepsOf('destroy') };
}

function tell(what: string, outcome: Outcome | undefined): void {
  if (options.verbose || outcome?.isWrong || (outcome?.loops ?? 0) > 2)
    progress(`${what}: ${outcome?.loops} loops, ${outcome?.waits} waits, ${outcome?.convergedMs} ms`);
}

/** Looks again and again whether anything of ours is there twice. */
function watchDoubles(
  driver: ProviderDriver,
  owner: string,
  everyMs: number,
): AsyncDisposable & { doubled(): number } {
  const doubled = new Set<string>();
  const stopping = new AbortController();
  const watching = (async () => {
    while (!stopping.signal.aborted) {
      const things = await driver.machines.list(owner, signal()).catch(() => []);
      const ids = things.filter(isThere).map(({ tag }) => tag.resource);
      for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) doubled.add(id);
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  })();
  return {
    doubled: () => doubled.size,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await watching;
    },
  };
}

const results: Record<string, unknown> = {};
const medians: Record<string, number> = {};
const ratios: Record<string, number> = {};
const kinds = (options.provider ?? Object.keys(places)) as Provider['kind'][];
const runs = Number(options.runs);
let failures = 0;
await using database = await startTestDatabase();
for (const kind of kinds) {
  let place: Place;
  try {
    place = await places[kind]();
  } catch (error) {
    progress(`${kind} cannot be started here: ${String(error).split('\n')[0] ?? ''}`);
    results[kind] = 'not started';
    continue;
  }
  await using held = place;
  const lanes = runs === 0 ? 0 : Number(options.lanes ?? held.lanes);
  const done = await Promise.all(
    Array.from({ length: lanes }, async (_, lane) =>
      runLane(held, {
        database,
        name: `crash_${kind}_${lane}`,
        runs: Math.ceil(runs / lanes),
        share: { lane, lanes },
      }),
    ),
  );
  const outcomes = done.flatMap((lane) => lane.outcomes);
  const killed = outcomes.filter(({ step }) => step !== 'done' && step !== 'stuck');
  const covered = (verb: Verb): string => {
    const points = new Set(killed.filter((one) => one.verb === verb).map(({ point }) => point));
    return `${points.size} of ${Math.max(0, ...done.map((lane) => lane.points[verb]))}`;
  };
  const doubled =
    Object.keys(held.doubles?.() ?? {}).length + done.reduce((sum, lane) => sum + lane.doubled, 0);
  const left = (await held.hidden?.()) ?? 0;
  const leaked =
    outcomes.filter(({ isWrong }) => isWrong).length +
    done.reduce((sum, lane) => sum + lane.leaked, 0) +
    left;
  const mostLoops = Math.max(0, ...outcomes.map(({ loops }) => loops));
  if (lanes > 0) {
    medians[`${kind}.loops`] = median(outcomes.map(({ loops }) => loops));
    medians[`${kind}.convergedMs`] = median(outcomes.map(({ convergedMs }) => convergedMs));
    ratios[`${kind}.within2Loops`] = outcomes.filter(({ loops }) => loops <= 2).length / outcomes.length;
  }
  const told = {
    runs: killed.length,
    notKilled: outcomes.length - killed.length,
    kills: new Set(killed.map(({ verb, point }) => `${verb} ${point}`)).size,
    createPoints: covered('create'),
    destroyPoints: covered('destroy'),
    mostLoops,
    mostWaits: Math.max(0, ...outcomes.map(({ waits }) => waits)),
    leaked,
    doubled,
  };
  failures += leaked + doubled;
  // Told before the orphans: whatever becomes of those, this was measured.
  progress(`${kind}: ${JSON.stringify(told)}`);
  const orphans = Number(options.orphans);
  const swept = orphans > 0 ? await sweepOrphans(held, { database, count: orphans }) : undefined;
  if (swept) medians[`${kind}.sweptSeconds`] = swept.seconds;
  failures += swept?.touched ?? 0;
  results[kind] = { ...told, ...(swept && { orphans, wronglyTouched: swept.touched }) };
}
printResult({ bench: 'crash', medians, ratios, n: runs, results });
process.exitCode = failures === 0 ? 0 : 1;
