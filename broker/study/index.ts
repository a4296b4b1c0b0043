export {
  StudyIndex,
  studyTitle,
  type StudyPage,
  type StudySearch,
  type StudySource,
  type StudyStore,
} from './study-index.ts';
