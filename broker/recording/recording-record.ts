import type { RecordingRight, RecordingRules, RecordingView } from '@medusa/protocol';
import type { User } from '../identity/index.ts';

/** A recording as it is stored. It outlives its film: who recorded what, and who saw it, stays known. */
export type RecordingRecord = Omit<RecordingView, 'may'>;

/** The most that any of the user's roles allows; null: to record nothing. */
export function rightOf({ roles }: Pick<User, 'roles'>, rules: RecordingRules): RecordingRight | null {
  const rights = roles.flatMap((role) => rules[role] ?? []);
  if (rights.includes('any-time')) return 'any-time';
  return rights[0] ?? null;
}

/** Only those who were in it know of it, and administrators, who do not see what is on it. */
export function maySeeRecording({ people }: RecordingRecord, user: User): boolean {
  return user.roles.includes('admin') || people.some(({ userId }) => userId === user.id);
}

export function toRecordingView(record: RecordingRecord, user: User, rules: RecordingRules): RecordingView {
  const { askedBy, people, state } = record;
  const isAsker = askedBy.userId === user.id;
  const wasIn = people.some(({ userId }) => userId === user.id);
  return {
    ...record,
    may: {
      fetch: state === 'kept' && (isAsker || (wasIn && rightOf(user, rules) !== null)),
      delete: state === 'kept' && (isAsker || user.roles.includes('admin')),
    },
  };
}
