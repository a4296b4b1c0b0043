export { locate, type Located } from './locate.ts';
export { parseAgreement, type ParsedAgreement } from './parse.ts';
export { renderAgreement, renderTemplate } from './render.ts';
