export { parseAgreement, renderAgreement, renderTemplate, type ParsedAgreement } from './wsag/index.ts';
