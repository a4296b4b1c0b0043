import {
  invitationSchema,
  launchRequestSchema,
  launchResponseSchema,
  deviceReportSchema,
  sessionIdSchema,
  sessionViewSchema,
  AppError,
  keyImageListSchema,
  keyImageNoteSchema,
  keyImageSchema,
} from '@medusa/protocol';
import { z } from 'zod';
import type { KeyImages } from '../../key-image/index.ts';
import type { Invitations } from '../../room/index.ts';
import type { Sessions } from '../../session/index.ts';
import { route, type RouteDefinition } from '../route.ts';

const byId = z.object({ id: sessionIdSchema });
const byCode = z.object({ code: z.string().min(8).max(64) });
const acceptSchema = z.object({ device: deviceReportSchema.optional() });

export function sessionRoutes({
  sessions,
  invitations,
  keyImages,
}: {
  sessions: Sessions;
  invitations: Invitations;
  keyImages: KeyImages;
}): RouteDefinition[] {
  return [
    route({
      method: 'post',
      path: '/api/sessions',
      summary: 'Open a study in an application',
      access: ['radiologist'],
      body: launchRequestSchema,
      response: launchResponseSchema,
      status: 202,
      handle: async ({ body, caller }) => {
        const launched = await sessions.launch(body, caller.user, caller.actor);
        return { body: launched, location: `/api/sessions/${launched.session.id}` };
      },
    }),
    route({
      method: 'get',
      path: '/api/sessions',
      summary: "One's own sessions and those one was invited to; an administrator sees all",
      access: ['radiologist', 'doctor', 'admin'],
      response: z.object({ sessions: z.array(sessionViewSchema) }),
      handle: async ({ caller }) => ({ body: { sessions: await sessions.listFor(caller.user) } }),
    }),
    route({
      method: 'get',
      path: '/api/sessions/:id',
      summary: 'One session',
      access: ['radiologist', 'doctor', 'admin'],
      params: byId,
      response: sessionViewSchema,
      handle: async ({ params, caller }) => ({
        body: sessions.view(await sessions.getFor(params.id, caller.user)),
      }),
    }),
    route({
      method: 'delete',
      path: '/api/sessions/:id',
      summary: 'End a session for everybody; for its owner and administrators',
      access: ['radiologist', 'doctor', 'admin'],
      params: byId,
      response: sessionViewSchema,
      handle: async ({ params, caller }) => {
        const session = await sessions.getFor(params.id, caller.user);
        const isOwner = session.ownerId === caller.user.id;
        if (!isOwner && !caller.user.roles.includes('admin'))
          throw new AppError('access.refused', 'Only its owner ends a session for everybody');
        return {
          body: await sessions.close(
            params.id,
            isOwner ? 'Closed by its owner' : 'Closed by an administrator',
            caller.actor,
          ),
        };
      },
    }),
    route({
      method: 'post',
      path: '/api/sessions/:id/invitations',
      summary: 'A link that lets others into the session',
      access: ['radiologist', 'doctor'],
      params: byId,
      response: invitationSchema,
      status: 201,
      handle: async ({ params, caller }) => ({
        body: await invitations.create(params.id, caller.user, caller.actor),
      }),
    }),
    route({
      method: 'post',
      path: '/api/sessions/:id/key-images',
      summary: 'Note an image as worth it or as measured on, with how true its pixels are now',
      access: ['radiologist', 'doctor'],
      params: byId,
      body: keyImageNoteSchema,
      response: keyImageSchema,
      status: 201,
      handle: async ({ params, body, caller }) => ({ body: await keyImages.note(params.id, body, caller) }),
    }),
    route({
      method: 'get',
      path: '/api/sessions/:id/key-images',
      summary: "What was noted of the session's study, newest first",
      access: ['radiologist', 'doctor', 'admin'],
      params: byId,
      response: keyImageListSchema,
      handle: async ({ params, caller }) => ({
        body: { keyImages: [...(await keyImages.list(params.id, caller.user))] },
      }),
    }),
    route({
      method: 'post',
      path: '/api/invitations/:code/accept',
      summary: 'Enter a session by its invitation',
      access: ['radiologist', 'doctor'],
      params: byCode,
      body: acceptSchema,
      response: z.object({ sessionId: sessionIdSchema, session: sessionViewSchema }),
      handle: async ({ params, body, caller }) => {
        if (body.device?.verdict === 'refused')
          throw new AppError(
            'device.refused',
            'The device check found that this device cannot show a study safely',
          );
        const session = await invitations.accept(params.code, caller.user, caller.actor);
        return { body: { sessionId: session.id, session: sessions.view(session) } };
      },
    }),
  ];
}
