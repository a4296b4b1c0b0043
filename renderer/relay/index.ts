export { ReaderStream, mostAwayMs } from './reader-stream.ts';
export { RelayServer, type FromReader } from './relay-server.ts';
export { TransferAsking } from './transfer-asking.ts';
