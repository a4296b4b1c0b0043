import { AppError, joinedSchema, joinPath, joinRequestSchema } from '@medusa/protocol';
import type { Joining } from '../../provision/guest/index.ts';
import { route, type RouteDefinition } from '../route.ts';

/** Refusals of one address in one minute, above which it is not listened to until the minute is over. */
const mostRefusals = 30;
const minuteMs = 60_000;

/** A fresh machine has nothing but its one-time token. Whoever guesses is slowed down, for the audit trail's sake too. */
export function joinRoutes(deps: {
  joining: Pick<Joining, 'join'>;
  now: () => number;
}): readonly RouteDefinition[] {
  const refusals = new Map<string, number>();
  let minute = 0;
  const countOf = (address: string): number => {
    const current = Math.floor(deps.now() / minuteMs);
    if (current !== minute) refusals.clear();
    minute = current;
    return refusals.get(address) ?? 0;
  };
  return [
    route({
      method: 'post',
      path: joinPath,
      summary: 'A fresh machine shows its one-time join token and gets the token it registers with',
      access: 'public',
      body: joinRequestSchema,
      response: joinedSchema,
      handle: async ({ body, address }) => {
        if (countOf(address) >= mostRefusals)
          throw new AppError('request.too-many', 'Too many join tokens of this address were refused');
        try {
          return { body: await deps.joining.join(body.joinToken, address) };
        } catch (error) {
          refusals.set(address, countOf(address) + 1);
          throw error;
        }
      },
    }),
  ];
}
