export { LaunchPage } from './launch-page.tsx';
export { ViewerPage } from './viewer-page.tsx';
