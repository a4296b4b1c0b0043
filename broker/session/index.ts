export { Sessions } from './sessions.ts';
export {
  isLive,
  liveStates,
  slotStates,
  waitingStates,
  type SessionQuery,
  type SessionRecord,
  type SessionStore,
} from './session-record.ts';
