import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { madeUp } from './dicomweb/made-up-studies.ts';
import { type Answers, getAll } from './dicomweb/requests.ts';
import { type DicomwebServer, startMedusa, startOrthancDicomweb } from './dicomweb/servers.ts';
import { sendTo } from './ingest/send.ts';
import { makeSlices } from './ingest/slices.ts';
import { median, printResult, progress, quantile } from './report.ts';
import { ensureDebianPackages } from './stream/packages.ts';

/**
 * Frames of CT slices (512 KiB) by WADO-RS from the storage node and from Orthanc's DICOMweb plug-in, in turns, each asked before that is
 * counted: ours over HTTPS and with a token, as it does not serve otherwise, Orthanc's over HTTPS, and once more over HTTP; and
 * QIDO-RS on the storage node's index of so many studies, as worklists ask.
 */
const { values: options } = parseArgs({
  options: {
    /** More than Orthanc keeps in memory (128 MiB): a viewer asks for a frame but once. */
    slices: { type: 'string', default: '400' },
    requests: { type: 'string', default: '400' },
    rounds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '1,4' },
    studies: { type: 'string', default: '1000000' },
    queries: { type: 'string', default: '200' },
  },
});
const [requests, rounds, studies, queries] = [
  options.requests,
  options.rounds,
  options.studies,
  options.queries,
].map(Number) as [number, number, number, number];
const connectionCounts = options.connections.split(',').map(Number);
const frameBytes = 512 * 1_024;
/** Until V8 has compiled what the storage node does. */
const warmUpPasses = 4;

ensureDebianPackages(['dcmtk', 'orthanc', 'orthanc-dicomweb', 'nginx-light', 'openssl', 'curl']);
const folder = await mkdtemp(path.join(tmpdir(), 'medusa-bench-dicomweb-'));
await using cleanup = new AsyncDisposableStack();
cleanup.defer(async () => rm(folder, { recursive: true, force: true }));
const list = path.join(folder, 'urls');

progress(`making ${options.slices} slices`);
const slices = await makeSlices(path.join(folder, 'slices'), Number(options.slices));
progress(`filling an index with ${studies} studies`);
const medusa = cleanup.use(await startMedusa(studies));
const orthanc = cleanup.use(await startOrthancDicomweb());
for (const { dicomPort } of [medusa, orthanc]) await sendTo(slices, dicomPort);
const frames = framesOf(slices);
const contenders = {
  medusa,
  orthanc: { ...orthanc, root: orthanc.secureRoot },
  orthancPlain: orthanc,
} as const satisfies Record<string, DicomwebServer>;
const names = ['medusa', 'orthanc', 'orthancPlain'] as const;
type Name = (typeof names)[number];
const figures = new Map<string, number[]>();

for (let pass = 0; pass < warmUpPasses; pass += 1) for (const name of names) await ask(name, 1);
for (let round = 0; round < rounds; round += 1)
  for (const connections of connectionCounts)
    for (const name of round % 2 === 0 ? names : names.toReversed()) await measureFrames(name, connections);
await measureQueries();
const medians = Object.fromEntries([...figures].map(([key, values]) => [key, median(values)]));
printResult({
  bench: 'dicomweb',
  medians,
  ratios: ratiosOf(medians),
  n: requests * rounds,
  results: { studies, queries },
});

async function ask(name: Name, connections: number): Promise<Answers> {
  const server: DicomwebServer = contenders[name];
  const accept = 'Accept: multipart/related; type="application/octet-stream"';
  const headers = [accept, ...server.headers()];
  const urls = Array.from(
    { length: requests },
    (_, at) => `${server.root}/${frames[at % frames.length] ?? ''}`,
  );
  return getAll(urls, { headers, connections, leastBytes: frameBytes, list });
}

async function measureFrames(name: Name, connections: number): Promise<void> {
  const server: DicomwebServer = contenders[name];
  const before = server.cpuSeconds();
  const answers = await ask(name, connections);
  const measured = {
    requestsPerSecond: answers.requestsPerSecond,
    p50Ms: quantile(answers.ms, 0.5),
    p95Ms: quantile(answers.ms, 0.95),
    cpuPer1000: ((server.cpuSeconds() - before) / requests) * 1_000,
  };
  for (const [figure, value] of Object.entries(measured)) note(`${name}.${connections}.${figure}`, value);
  const text = Object.entries(measured).map(([figure, value]) => `${figure} ${value.toPrecision(4)}`);
  progress(`${name}, ${connections} connections: ${text.join(', ')}`);
}

/** What a worklist asks: one page of fifty, newest first. */
async function measureQueries(): Promise<void> {
  const any = (below: number): number => Math.floor(Math.random() * below);
  const day = (): string => `20${10 + any(15)}${String(1 + any(12)).padStart(2, '0')}`;
  const asked: Readonly<Record<string, () => string>> = {
    patientId: () => `PatientID=${madeUp.patientId(any(madeUp.patients(studies)))}`,
    namePrefix: () => `PatientName=${madeUp.namePrefix(Math.random).toLowerCase()}*`,
    dateRangeAndModality: () => {
      const month = day();
      return `StudyDate=${month}01-${month}07&ModalitiesInStudy=${['CT', 'MR', 'MG'][any(3)] ?? ''}`;
    },
    accessionNumber: () => `AccessionNumber=${madeUp.accession(any(studies))}`,
    newestPage: () => `offset=${50 * any(4)}`,
  };
  for (const [name, ask] of Object.entries(asked)) {
    const urls = Array.from({ length: queries }, () => `${medusa.root}/studies?limit=50&${ask()}`);
    const headers = ['Accept: application/dicom+json', ...medusa.headers()];
    const { ms } = await getAll(urls, { headers, connections: 1, leastBytes: 2, list });
    note(`qido.${name}.p50Ms`, quantile(ms, 0.5));
    note(`qido.${name}.p95Ms`, quantile(ms, 0.95));
    progress(`QIDO ${name}: p50 ${quantile(ms, 0.5).toFixed(1)} ms, p95 ${quantile(ms, 0.95).toFixed(1)} ms`);
  }
}

function ratiosOf(of: Readonly<Record<string, number>>): Record<string, number> {
  const ratios: Record<string, number> = {};
  for (const connections of connectionCounts)
    for (const figure of ['requestsPerSecond', 'p95Ms', 'cpuPer1000'])
      for (const [other, label] of [
        ['orthanc', 'toOrthanc'],
        ['orthancPlain', 'toOrthancPlain'],
      ] as const)
        ratios[`${connections}.${figure}.${label}`] =
          (of[`medusa.${connections}.${figure}`] ?? Number.NaN) /
          (of[`${other}.${connections}.${figure}`] ?? Number.NaN);
  return ratios;
}

function note(key: string, value: number): void {
  figures.set(key, [...(figures.get(key) ?? []), value]);
}

/** Where the one frame of each lies, below a root of DICOMweb. */
function framesOf(files: readonly string[]): string[] {
  const tags = ['0020,000d', '0020,000e', '0008,0018'].flatMap((tag) => ['+P', tag]);
  const dump = execFileSync('dcmdump', ['-q', ...tags, ...files], { encoding: 'utf8', maxBuffer: 1 << 26 });
  const values = Array.from(
    dump.matchAll(/\(([\da-f]{4},[\da-f]{4})\) UI \[([\d.]+)\]/g),
    ([, tag, uid]) => ({ tag, uid }),
  );
  const of = (tag: string): (string | undefined)[] =>
    values.filter((value) => value.tag === tag).map(({ uid }) => uid);
  const [studyUids, seriesUids, uids] = [of('0020,000d'), of('0020,000e'), of('0008,0018')];
  return uids.map((uid, at) => `studies/${studyUids[at]}/series/${seriesUids[at]}/instances/${uid}/frames/1`);
}
