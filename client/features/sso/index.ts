export { StartFailedPage, StartingPage } from './start-page.tsx';
