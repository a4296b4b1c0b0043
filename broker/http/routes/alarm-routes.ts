import { alarmListSchema } from '@medusa/protocol';
import type { Alarms } from '../../alarm/index.ts';
import { route, type RouteDefinition } from '../route.ts';

export function alarmRoutes({ alarms }: { readonly alarms: Pick<Alarms, 'list'> }): RouteDefinition[] {
  return [
    route({
      method: 'get',
      path: '/api/alarms',
      summary: 'What should be seen to, and what was lately',
      access: ['admin'],
      response: alarmListSchema,
      handle: async () => ({ body: await alarms.list() }),
    }),
  ];
}
