export { openAgreements, type Agreements } from './agreements.ts';
export { indicators, type IndicatorEvent } from './evaluation/index.ts';
export { followIndicators, nodeIndicators } from './feed.ts';
export { ledgerGenesis, ledgerHash, type NewLedgerEntry } from './ledger.ts';
export type { AgreementRecord, AgreementStore, ClaimedAgreement } from './record.ts';
export { renderReportPdf } from './report/report-pdf.ts';
export { parseAgreement, renderAgreement, renderTemplate } from './wsag/index.ts';
export { occiStateOf } from './states.ts';
