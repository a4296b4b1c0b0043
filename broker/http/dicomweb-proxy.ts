import { Agent, request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { AppError, type NodeId } from '@medusa/protocol';
import type { Request, Response } from 'express';
import type { AuditTrail } from '../audit/index.ts';
import type { BrokerKeys } from '../identity/index.ts';
import type { NodeRegistry } from '../node/index.ts';
import { brokerPlace, sitePlace, type LinkBook } from '../placement/index.ts';
import type { Sessions } from '../session/index.ts';
import type { StudyIndex } from '../study/index.ts';
import type { Caller } from './caller.ts';
import { timedTransfer } from './timed-transfer.ts';
import {
  admitDicomweb,
  parseDicomwebTarget,
  type Admission,
  type DicomwebTarget,
} from './dicomweb-access.ts';
import { streamRoute, type RouteDefinition } from './route.ts';

type ProxyDeps = {
  readonly nodes: NodeRegistry;
  readonly studies: StudyIndex;
  readonly sessions: Sessions;
  readonly keys: BrokerKeys;
  readonly audit: AuditTrail;
  readonly links: LinkBook;
  readonly publicHost: string;
};

/** Long enough for the slowest retrieval to begin; the storage node checks it once. */
const tokenSeconds = 120;
const idleMs = 60_000;
const requestHeaders = [
  'accept',
  'accept-encoding',
  'content-type',
  'content-length',
  'range',
  'if-none-match',
  'if-modified-since',
];
const responseHeaders = [
  'content-type',
  'content-length',
  'content-encoding',
  'content-range',
  'content-location',
  'accept-ranges',
  'etag',
  'last-modified',
  'vary',
  'warning',
  'retry-after',
  'x-total-count',
];

/** DICOMweb at the broker's own origin: checks and audits, then passes bytes both ways without holding them. */
export function dicomwebRoutes(deps: ProxyDeps): RouteDefinition[] {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const stream = async ({
    caller,
    req,
    res,
    signal,
  }: {
    caller: Caller;
    req: Request;
    res: Response;
    signal: AbortSignal;
  }): Promise<void> => {
    const path = req.path.slice('/dicomweb'.length);
    const target = parseDicomwebTarget(req.method, path);
    if (!target) throw new AppError('route.unknown', 'There is no such DICOMweb service');
    const admission = await admitDicomweb(target, caller, deps.sessions);
    await auditBefore(deps.audit, target, { caller, admission });
    const query = req.url.includes('?') ? req.url.slice(req.url.indexOf('?')) : '';
    const storage = await storageFor(deps, target);
    const answer = await forward({
      url: `${storage.baseUrl.replace(/\/$/, '')}${path}${query}`,
      token: await tokenFor(deps.keys, caller, admission),
      agent,
      ...{ req, signal, publicHost: deps.publicHost },
    });
    res.status(answer.statusCode ?? 502);
    for (const name of responseHeaders) {
      const value = answer.headers[name];
      if (value !== undefined) res.set(name, value);
    }
    // Patient data stays out of shared caches; the browser may keep what it was given, and asks again by its ETag.
    res.set('cache-control', 'private, no-cache');
    const observe = (kbps: number): void =>
      deps.links.observe({ from: sitePlace(storage.nodeId), to: brokerPlace, measure: 'kbps' }, kbps);
    await pipeline(answer, timedTransfer(observe, performance.now.bind(performance)), res);
  };
  const common = { access: 'study-token-or-role', stream } as const;
  return [
    streamRoute({
      ...common,
      method: 'get',
      path: '/dicomweb/*path',
      summary: 'QIDO-RS and WADO-RS (DICOM PS3.18)',
    }),
    streamRoute({ ...common, method: 'post', path: '/dicomweb/*path', summary: 'STOW-RS (DICOM PS3.18)' }),
  ];
}

async function auditBefore(
  audit: AuditTrail,
  target: DicomwebTarget,
  { caller: { actor }, admission: { context } }: { caller: Caller; admission: Admission },
): Promise<void> {
  if (target.kind === 'store')
    await audit.record({
      action: 'study.stored',
      actor,
      objectType: 'study',
      objectId: '*',
      detail: 'STOW-RS',
    });
  else
    await audit.recordStudyRead({
      actor,
      studyInstanceUID: target.kind === 'study' ? target.studyInstanceUID : '*',
      context,
    });
}

async function tokenFor(keys: BrokerKeys, caller: Caller, { study, permission }: Admission): Promise<string> {
  if (caller.kind === 'study-token') return caller.token;
  const claims = { sub: caller.user.id, study: study as '*', permission };
  return keys.signStudyToken(claims, tokenSeconds);
}

/** The node that told of the study; for all else the one that is there. */
async function storageFor(
  { nodes, studies }: ProxyDeps,
  target: DicomwebTarget,
): Promise<{ nodeId: NodeId; baseUrl: string }> {
  const nodeId = target.kind === 'study' ? await studies.findNode(target.studyInstanceUID) : undefined;
  const storage = nodes.storageUrl(nodeId);
  if (!storage) throw new AppError('storage.unreachable', 'The storage node is not connected');
  return storage;
}

async function forward(options: {
  url: string;
  token: string;
  agent: Agent;
  req: Request;
  signal: AbortSignal;
  publicHost: string;
}): Promise<IncomingMessage> {
  const { url, token, agent, req, signal, publicHost } = options;
  const headers: Record<string, string> = {
    authorization: `Bearer ${token}`,
    'x-forwarded-proto': 'https',
    'x-forwarded-host': publicHost,
  };
  for (const name of requestHeaders) {
    const value = req.headers[name];
    if (typeof value === 'string') headers[name] = value;
  }
  const asked = httpsRequest(url, { method: req.method, headers, agent, signal, timeout: idleMs });
  asked.on('timeout', () => asked.destroy(new Error('The storage node is silent')));
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    asked.once('response', resolve);
    asked.once('error', reject);
  });
  const sent = req.method === 'POST' ? pipeline(req, asked) : Promise.resolve(void asked.end());
  try {
    // The node may refuse before all is sent: its answer counts then.
    const [answer] = await Promise.all([answered, sent.catch(async () => answered)]);
    return answer;
  } catch (cause) {
    throw new AppError('storage.unreachable', 'The storage node does not answer', { cause });
  }
}
