export { createKeyImages, type KeyImages, type KeyImageStore } from './key-images.ts';
