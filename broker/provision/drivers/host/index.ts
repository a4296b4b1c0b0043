export { openNetworkPorts, type HostNetworkPorts } from './network-ports.ts';
export type { Execute } from './programs.ts';
export { hostNetworkingSchema, hostStorageSchema, programSchema } from './settings.ts';
export { openVolumePorts, sparseType, type HostVolumePorts } from './volume-ports.ts';
