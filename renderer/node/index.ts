export { AgentClaim } from './agent-file.ts';
export { BrokerLink } from './broker-link.ts';
export { probeCapabilities } from './capabilities.ts';
export { watchOrphans } from './orphan-watch.ts';
export { nodeTokenFor } from './join.ts';
export { ownAddressTowards } from './own-address.ts';
export { trustOnly } from './trust.ts';
