/** What runs beside a broker on one box: PostgreSQL, and any program that must be kept running. */
export { startDatabase, type Database } from './database.ts';
export { identifyProcess, isRunning, type ProcessIdentity } from './process-identity.ts';
export { startSupervised, type SupervisedProcess } from './supervised-process.ts';
