export { parseCords, type ParsedManifest } from './parse.ts';
export { renderCords } from './render.ts';
