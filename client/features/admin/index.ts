export { AdminPage } from './admin-page.tsx';
export { adminSearchSchema } from './admin-search.ts';
