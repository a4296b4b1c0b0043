import {
  AppError,
  launchRequestSchema,
  parseInput,
  sessionIdSchema,
  type SessionView,
} from '@medusa/protocol';
import { hasAnyRole } from '../../identity/index.ts';
import { isLive, type Sessions } from '../../session/index.ts';
import type { Instance, OcciBackend, OcciCaller } from '../backend.ts';
import { roomKind, sessionKind } from '../model/index.ts';
import { attributesFrom } from './resources.ts';

type Deps = { readonly sessions: Pick<Sessions, 'launch' | 'close' | 'getFor' | 'listFor' | 'view'> };

const everybody = ['radiologist', 'doctor', 'admin'] as const;

/** Live sessions: to create one opens the study for the caller, to stop or delete it closes it for everybody. */
export function sessionBackend({ sessions }: Deps): OcciBackend {
  const find = async (id: string, by: OcciCaller): Promise<SessionView | undefined> => {
    const view = await viewFor(sessions, id, by);
    return view && isLive(view) ? view : undefined;
  };
  const close = async (id: string, { user, actor }: OcciCaller): Promise<SessionView> => {
    const session = await sessions.getFor(sessionIdSchema.parse(id), user);
    const isOwner = session.ownerId === user.id;
    if (!isOwner && !hasAnyRole(user, ['admin']))
      throw new AppError('access.refused', 'Only its owner ends a session for everybody');
    return sessions.close(session.id, isOwner ? 'Closed by its owner' : 'Closed by an administrator', actor);
  };
  return {
    ...{ kind: sessionKind, access: { read: everybody, change: everybody }, actions: ['stop'] },
    ...{ takesIds: false, linksAtBirth: [] },
    list: async ({ user }) => (await sessions.listFor(user)).filter(isLive).map(toInstance),
    async get(id, by) {
      const view = await find(id, by);
      return view && toInstance(view);
    },
    async create({ attributes }, { user, actor }) {
      if (!hasAnyRole(user, ['radiologist']))
        throw new AppError('access.refused', 'Your role does not allow this');
      const request = parseInput(launchRequestSchema, {
        studyInstanceUID: attributes.get('medusa.session.study'),
        applicationId: attributes.get('medusa.session.application'),
        widthPx: attributes.get('medusa.session.width'),
        heightPx: attributes.get('medusa.session.height'),
      });
      return toInstance((await sessions.launch(request, user, actor)).session);
    },
    async delete(id, by) {
      await close(id, by);
    },
    act: async (id, _call, by) => toInstance(await close(id, by)),
  };
}

/** To those who may not see it there is none. */
async function viewFor(
  sessions: Deps['sessions'],
  id: string,
  { user }: OcciCaller,
): Promise<SessionView | undefined> {
  const parsed = sessionIdSchema.safeParse(id);
  if (!parsed.success) return undefined;
  try {
    return sessions.view(await sessions.getFor(parsed.data, user));
  } catch (error) {
    if (error instanceof AppError && error.code === 'session.unknown') return undefined;
    throw error;
  }
}

function toInstance(view: SessionView): Instance {
  const { id, state, studyInstanceUID, applicationId, ownerName, nodeId, participants } = view;
  return {
    ...{ id, mixins: [], actions: isLive(view) ? ['stop'] : [] },
    attributes: attributesFrom([
      ['occi.core.title', view.applicationName],
      ['medusa.session.study', studyInstanceUID],
      ['medusa.session.application', applicationId],
      ['medusa.session.state', state],
      ['medusa.session.state.message', view.failure?.detail ?? view.closeReason ?? view.queue?.reason],
      ['medusa.session.owner', ownerName],
      ['medusa.session.node', nodeId],
      ['medusa.session.participants', participants],
    ]),
  };
}

/** The rooms around live sessions: who is in them decides, so that nothing is changed from here. */
export function roomBackend({ sessions }: Deps): OcciBackend {
  const roomOf = ({ id, participants }: SessionView): Instance => ({
    ...{ id, mixins: [], actions: [] },
    attributes: attributesFrom([
      ['medusa.room.session', id],
      ['medusa.room.participants', participants],
    ]),
  });
  return {
    ...{ kind: roomKind, access: { read: everybody, change: ['admin'] }, actions: [] },
    ...{ takesIds: false, linksAtBirth: [] },
    list: async ({ user }) => (await sessions.listFor(user)).filter(isLive).map(roomOf),
    async get(id, by) {
      const view = await viewFor(sessions, id, by);
      return view && isLive(view) ? roomOf(view) : undefined;
    },
  };
}
