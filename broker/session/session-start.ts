import { randomBytes } from 'node:crypto';
import {
  AppError,
  nodeIdSchema,
  type Application,
  type NodeId,
  type SessionId,
  type StartSession,
} from '@medusa/protocol';
import type { BrokerKeys } from '../identity/index.ts';
import { zoneOf } from '../node/index.ts';
import { incarnationOf, isRecovering, readerOf, type SessionRecord } from './session-record.ts';
import { routeTo, type StorageRoutes } from './storage-routes.ts';
import type { SessionStates, SessionStatesDeps } from './session-states.ts';
import type { SessionViews } from './session-views.ts';

export type SessionStartDeps = Pick<SessionStatesDeps, 'nodes' | 'report'> & {
  readonly states: SessionStates;
  readonly keys: BrokerKeys;
  readonly applications: readonly Application[];
  readonly storageRoutes: StorageRoutes;
  readonly views: Pick<SessionViews, 'latest'>;
  /** Told when the node of a placed session is not there any more. */
  readonly lost: (record: SessionRecord, reason: string) => Promise<void>;
};

const studyTokenSeconds = 12 * 3_600;

/** Tells the node of a placed session to start it; the session fails when it cannot. */
export async function startOnNode(deps: SessionStartDeps, id: SessionId): Promise<void> {
  const { states, report } = deps;
  const record = await states.get(id);
  // Closed in the meantime, or queued again by a broker that has just started.
  if (record.state !== 'provisioning') return;
  try {
    await command(deps, record);
  } catch (error) {
    if (!(error instanceof AppError)) report(error);
    const { code, message } = error instanceof AppError ? error : startFailed;
    // It may have heard the command, and answer again some time.
    if (code === 'node.unreachable' || isRecovering(record))
      await deps.lost({ ...record, commandAtMs: 0 }, message);
    else await states.fail(id, code, message);
  }
}

async function command(
  { nodes, states, keys, applications, storageRoutes, views }: SessionStartDeps,
  record: SessionRecord,
): Promise<void> {
  const { id: sessionId, nodeId, studyInstanceUID } = record;
  const application = applications.find(({ id }) => id === record.applicationId);
  const storage = nodes.storageUrl(nodeIdSchema.parse(record.storageNodeId));
  if (nodeId === null || !application) throw startFailed;
  if (!storage) throw new AppError('storage.unreachable', 'The storage node with the study is not connected');
  const claims = {
    sub: record.ownerId,
    study: studyInstanceUID,
    session: sessionId,
    permission: 'read' as const,
  };
  const studyToken = await keys.signStudyToken(claims, studyTokenSeconds);
  const startMs = states.sinceRequest(record);
  if (!(await states.attempt(sessionId, { kind: 'start', commandAtMs: startMs }))) return;
  const readerNodeId = readerOf(record);
  const reading = nodes.view(readerNodeId ?? nodeId);
  const dicomwebUrl = routeTo(storage, reading ? zoneOf(reading) : '', storageRoutes);
  const request = {
    ...{ sessionId, studyInstanceUID, application, dicomwebUrl, studyToken },
    incarnation: incarnationOf(record),
    ...(await resumptionOf(record, views)),
  };
  if (readerNodeId === null) await nodes.command(nodeId, 'session.start', request);
  else await commandParts(nodes, { request, viewerNodeId: nodeId, readerNodeId });
  await states.step(record, { step: 'command', startMs });
}

/** One that lost its node goes on with what it showed, in the size in which it was shown. */
async function resumptionOf(
  record: SessionRecord,
  views: SessionStartDeps['views'],
): Promise<Pick<StartSession, 'view' | 'widthPx' | 'heightPx'>> {
  const { widthPx, heightPx } = record;
  const view = isRecovering(record) ? await views.latest(record.id) : undefined;
  return { widthPx, heightPx, ...view?.resumption?.page, ...(view && { view }) };
}

/** The viewer first: it is there when the reader dials it. The one who only shows gets no key to the study. */
async function commandParts(
  nodes: SessionStatesDeps['nodes'],
  parts: { request: StartSession; viewerNodeId: NodeId; readerNodeId: NodeId },
): Promise<void> {
  const { request, viewerNodeId, readerNodeId } = parts;
  const viewer = nodes.view(viewerNodeId)?.capabilities;
  if (!viewer?.relayPort) throw startFailed;
  const relayKey = randomBytes(32).toString('base64');
  const { rtcAddress: host, relayPort: port } = viewer;
  await nodes.command(viewerNodeId, 'session.start', {
    ...{ ...request, studyToken: '', part: { role: 'viewer', relayKey } },
  });
  await nodes.command(readerNodeId, 'session.start', {
    ...{ ...request, part: { role: 'reader', host, port, relayKey } },
  });
}

const startFailed = new AppError('session.start-failed', 'The session could not be started');
