import type { Logger } from 'pino';
import { TypedEmitter } from '@medusa/kernel';
import { probeConfinement } from './application/index.ts';
import type { RenderNodeConfig } from './config.ts';
import { EncoderProcess, probeEncoders } from './encoder/index.ts';
import { AgentClaim, BrokerLink, probeCapabilities, watchOrphans } from './node/index.ts';
import { Sessions } from './session/index.ts';
import { bitrateLimits, Sfu } from './sfu/index.ts';

export const version = '0.1.0';
const initialKbps = 8_000;
const drainMs = 2_000;

/** A running render node. Closing it closes its sessions and leaves nothing behind. */
export type RenderNode = AsyncDisposable & {
  /** The media worker died: the node cannot stream any more and wants to be started anew. */
  readonly events: TypedEmitter<{ broken: [error: Error] }>;
};

/** @throws when this machine cannot confine applications, encode, or open its media port. */
export async function startRenderNode(
  config: RenderNodeConfig,
  deps: { readonly log: Logger },
): Promise<RenderNode> {
  await using starting = new AsyncDisposableStack();
  const log = deps.log.child({ nodeId: config.nodeId });
  const report = (error: unknown): void => log.error({ err: error }, 'render node was disturbed');
  const startedAt = new Date().toISOString();
  const claim = starting.use(await AgentClaim.acquire(config.nodeFolder, config.rtcPort));
  const [confinement, encoders] = await Promise.all([probeConfinement(), probeEncoders()]);
  if (encoders.length === 0) throw new Error('No video encoder works on this machine');
  const capabilities = probeCapabilities({ ...config, confinement, encoders });
  const sfu = starting.use(
    await Sfu.create({
      bindAddress: config.rtcBindAddress,
      announcedAddress: config.rtcAddress,
      port: config.rtcPort,
      workerBin: config.mediaWorkerBin,
      report,
    }),
  );
  const settings = {
    ...config,
    rendering: capabilities.rendering,
    hasGpu: capabilities.gpu !== null,
    initialKbps: Math.min(initialKbps, bitrateLimits.mostKbps),
  };
  const sessions = new Sessions(
    { slots: config.slots, runFolder: claim.runFolder },
    { sfu, confinement, openEncoder: async (...given) => EncoderProcess.open(...given), settings, log },
  );
  const link = starting.use(
    BrokerLink.open(
      { ...config, token: config.nodeToken, version, startedAt, capabilities },
      { sessions, log },
    ),
  );
  starting.use(watchOrphans(link, sessions, config.orphanSeconds));
  starting.defer(async () => link.drain(drainMs));
  starting.use(sessions);

  const events = new TypedEmitter<{ broken: [error: Error] }>(report);
  starting.use(sfu.events.on('died', (error) => events.emit('broken', error)));
  log.info({ capabilities }, 'render node started');
  const resources = starting.move();
  return { events, [Symbol.asyncDispose]: async () => resources.disposeAsync() };
}
