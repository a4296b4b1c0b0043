export * from './capabilities.ts';
export * from './driver.ts';
export * from './endpoint.ts';
export * from './errors.ts';
export * from './resource.ts';
