export { RecordingBar } from './recording-bar.tsx';
export { RecordingGate } from './recording-gate.tsx';
export { RecordingMark } from './recording-mark.tsx';
export { RecordingRequest } from './recording-request.tsx';
export { RecordingsPage } from './recordings-page.tsx';
export { useRecordingNews } from './use-recording-news.ts';
