export { InputInjector } from './input-injector.ts';
export { type CursorShape, CursorWatch } from './cursor-watch.ts';
