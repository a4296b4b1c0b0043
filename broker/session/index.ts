export { Sessions } from './sessions.ts';
export { kbpsOf, measurePaths, type StudyRead } from './study-reads.ts';
export {
  isLive,
  isRecovering,
  liveStates,
  slotStates,
  waitingStates,
  type SessionQuery,
  type SessionRecord,
  type SessionStore,
} from './session-record.ts';
export { createTransfers, type Transfers } from './transfers.ts';
export { SessionViews, type SessionViewStore } from './session-views.ts';
