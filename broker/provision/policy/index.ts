export * from './brake.ts';
export * from './erlang.ts';
export * from './pool-target.ts';
export * from './rolling.ts';
export * from './schedule.ts';
export * from './sweep.ts';
