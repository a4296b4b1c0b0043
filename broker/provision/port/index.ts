export * from './capabilities.ts';
export * from './driver.ts';
export * from './endpoint.ts';
export * from './errors.ts';
export * from './labels.ts';
export * from './resource.ts';
export * from './sizes.ts';
