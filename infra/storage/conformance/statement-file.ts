/** Where the Conformance Statement lies among the documents. */
export const statementFile = new URL('../../../docs/dicom-conformance.md', import.meta.url);
