export { createAlarms, type Alarms, type AlarmStore } from './alarms.ts';
