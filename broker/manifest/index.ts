export { applicationsDir, loadCatalogue, type Catalogue } from './catalogue.ts';
