export { createRecordings, type Recordings, type RecordingStore } from './recordings.ts';
export type { RecordingRecord } from './recording-record.ts';
