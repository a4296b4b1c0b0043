import type { KeyImageStore } from '../key-image/index.ts';
import type { Db } from './database.ts';

export function createKeyImageStore(db: Db): KeyImageStore {
  return {
    async save(image) {
      await db
        .insertInto('key_image')
        .values({
          id: image.id,
          session_id: image.sessionId,
          study_instance_uid: image.studyInstanceUID,
          at: image.at,
          document: JSON.stringify(image),
        })
        .execute();
    },
    async ofStudy(studyInstanceUID, most) {
      const rows = await db
        .selectFrom('key_image')
        .select('document')
        .where('study_instance_uid', '=', studyInstanceUID)
        .orderBy('at', 'desc')
        .limit(most)
        .execute();
      return rows.map(({ document }) => document);
    },
  };
}
