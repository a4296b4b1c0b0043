export { Rooms, type RoomStore, type Sitter } from './rooms.ts';
export { createInvitations, type Invitations, type InvitationStore } from './invitations.ts';
export { maySee } from './recording-consent.ts';
export { emptyRoom } from './room-state.ts';
export type { RoomState } from './room-types.ts';
