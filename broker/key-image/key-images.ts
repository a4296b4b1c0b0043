import { randomUUID } from 'node:crypto';
import { AppError, type KeyImage, type KeyImageNote, type SessionId } from '@medusa/protocol';
import type { AuditActor, AuditTrail } from '../audit/index.ts';
import type { User } from '../identity/index.ts';
import { isLive, type Sessions } from '../session/index.ts';

export interface KeyImageStore {
  save(image: KeyImage): Promise<void>;
  /** Newest first, at most `most`. */
  ofStudy(studyInstanceUID: string, most: number): Promise<readonly KeyImage[]>;
}

/** Images of a session that somebody marked or measured on, with how true their pixels were in that moment. */
export interface KeyImages {
  /** @throws AppError `session.unknown`, `session.closed` */
  note(id: SessionId, note: KeyImageNote, by: { user: User; actor: AuditActor }): Promise<KeyImage>;
  /** Of the session's study, whoever noted them and when. */
  list(id: SessionId, user: User): Promise<readonly KeyImage[]>;
}

type Deps = {
  readonly store: KeyImageStore;
  readonly sessions: Sessions;
  readonly audit: AuditTrail;
  readonly now: () => Date;
};

const mostListed = 200;

export function createKeyImages({ store, sessions, audit, now }: Deps): KeyImages {
  return {
    async note(id, note, { user, actor }) {
      const session = await sessions.getFor(id, user);
      if (!isLive(session)) throw new AppError('session.closed', 'The session is closed');
      const { studyInstanceUID } = session;
      const at = now().toISOString();
      const image = { ...note, id: randomUUID(), sessionId: id, studyInstanceUID, by: user.name, at };
      const fact = { action: 'image.noted', actor, objectType: 'study', objectId: studyInstanceUID } as const;
      await audit.record({ ...fact, detail: detailOf(note) });
      await store.save(image);
      return image;
    },
    async list(id, user) {
      const { studyInstanceUID } = await sessions.getFor(id, user);
      return store.ofStudy(studyInstanceUID, mostListed);
    },
  };
}

/** Names the image and its pixels; what was measured is in the note itself. */
function detailOf({ kind, image, pixels }: KeyImageNote): string {
  const { sopInstanceUID, seriesInstanceUID, frame } = image;
  const where = sopInstanceUID === null ? `series ${seriesInstanceUID}` : `image ${sopInstanceUID}`;
  return `${kind} of ${where} frame ${frame}: ${pixels.state}${pixels.sha256 === null ? '' : ` ${pixels.sha256}`}`;
}
