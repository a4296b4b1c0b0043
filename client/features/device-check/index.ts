export { DeviceCheckPage } from './device-check-page.tsx';
export { loadDeviceReport } from './device-report-store.ts';
