export { Rooms, type RoomStore, type Sitter } from './rooms.ts';
export { createInvitations, type Invitations, type InvitationStore } from './invitations.ts';
export { emptyRoom, type RoomState } from './room-state.ts';
