export { ConfinedApplication } from './confined-application.ts';
export { type Confinement, probeConfinement } from './confinement.ts';
export { Gate, type StudyAccess } from './gate.ts';
export { sweepControlGroups } from './memory-limit.ts';
export { createReadingMeter } from './reading-meter.ts';
export { saveStudyFiles } from './study-files.ts';
export { UserLease } from './user-lease.ts';
