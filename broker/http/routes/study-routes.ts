import { studySummarySchema } from '@medusa/protocol';
import { z } from 'zod';
import type { AuditTrail } from '../../audit/index.ts';
import type { StudyIndex } from '../../study/index.ts';
import { route, type RouteDefinition } from '../route.ts';

const dateSchema = z.string().regex(/^\d{8}$/, 'YYYYMMDD');
const searchSchema = z.object({
  text: z.string().max(200).optional(),
  modality: z.string().max(16).optional(),
  dateFrom: dateSchema.optional(),
  dateTo: dateSchema.optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
  offset: z.coerce.number().int().min(0).max(1_000_000).default(0),
});

export function studyRoutes({
  studies,
  audit,
}: {
  studies: StudyIndex;
  audit: AuditTrail;
}): RouteDefinition[] {
  return [
    route({
      method: 'get',
      path: '/api/studies',
      summary: 'Search the worklist; `total` is counted to 10,000',
      access: ['radiologist', 'admin'],
      query: searchSchema,
      response: z.object({ studies: z.array(studySummarySchema), total: z.int() }),
      handle: async ({ query, caller }) => {
        await audit.recordStudyRead({ actor: caller.actor, studyInstanceUID: '*', context: 'worklist' });
        const { studies: found, total } = await studies.search(query);
        return { body: { studies: [...found], total } };
      },
    }),
  ];
}
