export { planAt } from './at-provider.ts';
export { applicationsDir, loadCatalogue, type Catalogue } from './catalogue.ts';
export { checkManifest } from './check.ts';
export { renderCords } from './cords/index.ts';
