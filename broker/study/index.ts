export { StudyIndex, studyTitle, type StudySearch, type StudyStore } from './study-index.ts';
