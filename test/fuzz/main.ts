import { parseArgs } from 'node:util';
import { askers, fuzzIdentifiers } from './fuzz-identifiers.ts';
import { fuzzObjects } from './fuzz-objects.ts';
import { fuzzedEnvironment, fuzzPdus, type Progress } from './fuzz-pdus.ts';
import { startStorageNode } from '../support/storage-node.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    pdus: { type: 'string', default: '1000000' },
    objects: { type: 'string', default: '10000' },
    identifiers: { type: 'string', default: '10000' },
    /** One run of the PDUs, or of the objects, again. */
    'only-pdu': { type: 'string' },
    'only-object': { type: 'string' },
  },
});
const seed = Number(values.seed);
const progressMs = 5_000;

/** To whoever waits; the one line for machines goes to the standard output. */
function progressOf(what: string): Progress {
  const startedAt = performance.now();
  let toldAt = startedAt;
  return (done, of) => {
    const now = performance.now();
    if (now - toldAt < progressMs) return;
    toldAt = now;
    const perSecond = done / ((now - startedAt) / 1_000);
    process.stderr.write(`${what}: ${done} of ${of}, ${perSecond.toFixed(0)} a second\n`);
  };
}

const optional = (text: string | undefined): { only?: number } =>
  text === undefined ? {} : { only: Number(text) };
const startedAt = performance.now();
await using node = await startStorageNode({
  isInMemory: true,
  entities: askers,
  environment: fuzzedEnvironment,
});
const isOneObject = values['only-object'] !== undefined;
const isOnePdu = values['only-pdu'] !== undefined;
const pdus = isOneObject
  ? undefined
  : await fuzzPdus(node, {
      ...{ seed, count: Number(values.pdus), progress: progressOf('PDUs') },
      ...optional(values['only-pdu']),
    });
const objects = isOnePdu
  ? undefined
  : await fuzzObjects(node, {
      ...{ seed, count: Number(values.objects), progress: progressOf('objects') },
      ...optional(values['only-object']),
    });
const isWhole = !isOnePdu && !isOneObject;
const identifiers = isWhole
  ? await fuzzIdentifiers(node, {
      ...{ seed, count: Number(values.identifiers), progress: progressOf('identifiers') },
    })
  : undefined;
const seconds = Math.round((performance.now() - startedAt) / 1_000);
process.stdout.write(`${JSON.stringify({ seed, seconds, pdus, objects, identifiers })}\n`);
const isBad = [pdus, objects, identifiers].some(
  (report) => report && (report.failures.length > 0 || report.leak !== undefined),
);
process.exitCode = isBad ? 1 : 0;
