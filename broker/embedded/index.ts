/** What runs beside a broker on one box: PostgreSQL, and any program that must be kept running. */
export { startDatabase, type Database } from './database.ts';
export { startSupervised, type SupervisedProcess } from './supervised-process.ts';
