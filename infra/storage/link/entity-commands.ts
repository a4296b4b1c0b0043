import {
  AppError,
  echoRequestSchema,
  parseInput,
  toldRegistrySchema,
  type EchoResult,
} from '@medusa/protocol';
import type { Socket } from 'socket.io-client';
import type { Logger } from 'pino';
import type { Prober } from '../entities/prober.ts';
import type { ToldEntities } from '../entities/told-registry.ts';
import { answeringWith } from './answering.ts';

export type EntityCommandDeps = {
  readonly registry: Pick<ToldEntities, 'take'>;
  readonly prober: Pick<Prober, 'test'>;
};

/** What the broker asks this node for, over the link that the node made. */
export function serveEntityCommands(
  socket: Socket,
  { registry, prober, log }: EntityCommandDeps & { readonly log: Logger },
): void {
  const answering = answeringWith(log);
  socket.on(
    'registry.take',
    answering(async (payload): Promise<null> => {
      await registry.take(parseInput(toldRegistrySchema, payload));
      return null;
    }),
  );
  socket.on(
    'entity.echo',
    answering(async (payload): Promise<EchoResult> => {
      const result = await prober.test(parseInput(echoRequestSchema, payload).title);
      if (!result) throw new AppError('entity.unknown', 'The storage node does not know this AE title');
      return result;
    }),
  );
}
