export { applicationsDir, loadCatalogue } from './catalogue.ts';
