export { createJoining, type Guest, type Joining, type JoinStore } from './joining.ts';
