export { Sessions } from './sessions.ts';
export {
  isLive,
  liveStates,
  waitingStates,
  type SessionQuery,
  type SessionRecord,
  type SessionStore,
} from './session-record.ts';
