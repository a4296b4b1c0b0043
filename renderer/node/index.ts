export { AgentClaim } from './agent-file.ts';
export { BrokerLink } from './broker-link.ts';
export { probeCapabilities } from './capabilities.ts';
export { watchOrphans } from './orphan-watch.ts';
