export type { Session, SessionDeps, SessionSettings } from './session.ts';
export { Sessions } from './sessions.ts';
