export { Recordings } from './recordings.ts';
export type { RecordedPicture, Recordable } from './recording.ts';
