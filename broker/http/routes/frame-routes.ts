import { frameLatenciesSchema, sessionIdSchema, type FrameLatency } from '@medusa/protocol';
import { z } from 'zod';
import type { SessionRecord, Sessions } from '../../session/index.ts';
import { route, type RouteDefinition } from '../route.ts';

/** What viewers saw of their sessions: it is judged under agreements. */
export function frameRoutes({
  sessions,
  tellFrames,
}: {
  readonly sessions: Pick<Sessions, 'getFor'>;
  readonly tellFrames: (session: SessionRecord, samples: readonly FrameLatency[]) => Promise<void>;
}): RouteDefinition[] {
  return [
    route({
      method: 'post',
      path: '/api/sessions/:id/frames',
      summary: 'How long pictures took from the input to the screen, as a viewer in the session saw it',
      access: ['radiologist', 'doctor'],
      params: z.object({ id: sessionIdSchema }),
      body: frameLatenciesSchema,
      response: z.object({}),
      handle: async ({ params: { id }, body: { samples }, caller }) => {
        await tellFrames(await sessions.getFor(id, caller.user), samples);
        return { body: {} };
      },
    }),
  ];
}
