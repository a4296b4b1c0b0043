import path from 'node:path';
import type { Logger } from 'pino';
import { TypedEmitter } from '@medusa/kernel';
import { probeConfinement } from './application/index.ts';
import type { RenderNodeConfig } from './config.ts';
import { EncoderProcess, probeEncoders } from './encoder/index.ts';
import {
  AgentClaim,
  BrokerLink,
  nodeTokenFor,
  ownAddressTowards,
  probeCapabilities,
  watchOrphans,
} from './node/index.ts';
import { Recordings } from './recording/index.ts';
import { RelayServer } from './relay/index.ts';
import { Sessions } from './session/index.ts';
import { rateLimits, Sfu } from './sfu/index.ts';

export const version = '0.1.0';
const drainMs = 2_000;

/** A running render node. Closing it closes its sessions and leaves nothing behind. */
export type RenderNode = AsyncDisposable & {
  /**
   * `broken`: the media worker died, the node cannot stream any more and wants to be started anew.
   * `replaced`: another machine was invited to be this node; this one is not wanted any more.
   */
  readonly events: TypedEmitter<{ broken: [error: Error]; replaced: [] }>;
};

/** @throws when this machine cannot confine applications, encode, or open its media port, or may not join the broker. */
export async function startRenderNode(
  config: RenderNodeConfig,
  deps: { readonly log: Logger; readonly signal?: AbortSignal },
): Promise<RenderNode> {
  await using starting = new AsyncDisposableStack();
  const log = deps.log.child({ nodeId: config.nodeId });
  const report = (error: unknown): void => log.error({ err: error }, 'render node was disturbed');
  const startedAt = new Date().toISOString();
  const claim = starting.use(await AgentClaim.acquire(config.nodeFolder, config.rtcPort));
  const [confinement, probe] = await Promise.all([probeConfinement(), probeEncoders()]);
  const { working: encoders, refused } = probe;
  log.info({ encoders, refused }, 'video encoders probed');
  if (encoders.length === 0) throw new Error('No video encoder works on this machine');
  const rtcAddress = config.rtcAddress ?? (await ownAddressTowards(config.brokerUrl));
  const sfu = starting.use(
    await Sfu.create({
      bindAddress: config.rtcBindAddress ?? rtcAddress,
      announcedAddress: rtcAddress,
      port: config.rtcPort,
      workerBin: config.mediaWorkerBin,
      report,
    }),
  );
  const relay = starting.use(
    await RelayServer.open({
      bindAddress: config.rtcBindAddress ?? rtcAddress,
      port: config.relayPort,
      report,
    }),
  );
  const capabilities = probeCapabilities({
    ...{ ...config, rtcAddress, confinement, encoders, relayPort: relay.port },
  });
  const settings = {
    ...config,
    rendering: capabilities.rendering,
    hasGpu: capabilities.gpu !== null,
    initialKbps: rateLimits.firstKbps,
  };
  const sessions = new Sessions(
    { slots: config.slots, runFolder: claim.runFolder },
    {
      sfu,
      relay,
      confinement,
      openEncoder: async (options, ...given) => EncoderProcess.open({ ...options, encoders }, ...given),
      settings,
      log,
    },
  );
  // Last, as a token can be shown but once: a machine that could not serve anyway keeps it.
  const token = config.nodeToken ?? (await join(config, log, deps.signal));
  const recordings = await Recordings.open({
    ...config.recording,
    folder: path.join(config.nodeFolder, 'recordings'),
    log,
  });
  const link = starting.use(
    BrokerLink.open({ ...config, token, version, startedAt, capabilities }, { sessions, recordings, log }),
  );
  starting.use(watchOrphans(link, sessions, config.orphanSeconds));
  starting.defer(async () => link.drain(drainMs));
  starting.use(recordings);
  starting.use(sessions);

  const events: RenderNode['events'] = new TypedEmitter(report);
  starting.use(link.events.on('replaced', () => events.emit('replaced')));
  starting.use(sfu.events.on('died', (error) => events.emit('broken', error)));
  log.info({ capabilities }, 'render node started');
  const resources = starting.move();
  return { events, [Symbol.asyncDispose]: async () => resources.disposeAsync() };
}

async function join(config: RenderNodeConfig, log: Logger, signal?: AbortSignal): Promise<string> {
  const { brokerUrl, nodeId, nodeFolder, joinToken = '' } = config;
  return nodeTokenFor(
    { brokerUrl, nodeId, nodeFolder, joinToken },
    { log, signal: signal ?? new AbortController().signal },
  );
}
