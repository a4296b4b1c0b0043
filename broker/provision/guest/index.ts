export { plainStart, type GuestData } from './guest-data.ts';
export { createJoining, type Guest, type Joining, type JoinStore } from './joining.ts';
export { guestFiles, guestOf, guestUnit, plainGuest, toldGuest, type GuestOptions } from './guest-start.ts';
export { guestManifests, type GuestManifest } from './manifest.ts';
export { openImageStore, type ImageFile, type ImageStore } from './image-store.ts';
