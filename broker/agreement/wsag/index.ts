export { locate, type Located } from './locate.ts';
export { parseAgreement } from './parse.ts';
export { renderAgreement, renderTemplate } from './render.ts';
