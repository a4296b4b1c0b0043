export { serveClients } from './client-namespace.ts';
export { serveNodes } from './node-namespace.ts';
