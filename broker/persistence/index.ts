export { openDatabase, type Db } from './database.ts';
export { createAuditStore } from './audit-store.ts';
export { createStudyStore } from './study-store.ts';
export { createDesiredNodeStore, createNodeStore } from './node-store.ts';
export { createJoinStore } from './join-store.ts';
export { createSessionStore } from './session-store.ts';
export { createInvitationStore, createRoomStore } from './room-store.ts';
export { createOidcAdapter, deleteExpiredLogins } from './oidc-adapter.ts';
