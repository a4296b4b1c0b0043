export { parseCords } from './parse.ts';
export { renderCords } from './render.ts';
