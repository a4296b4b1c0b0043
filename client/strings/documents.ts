/** What administrators read about documents that they write: manifests, templates, agreements. */
export const documentStrings = {
  checking: 'Checking',
  problems: 'Problems',
  error: 'Error',
  warning: 'Warning',
  errors: (count: number): string => (count === 1 ? '1 error' : `${count} errors`),
  warnings: (count: number): string => (count === 1 ? '1 warning' : `${count} warnings`),
  place: (line: number, column: number): string => `line ${line}, column ${column}`,
  checkFailed: 'The document could not be checked',
  xml: 'XML',
  json: 'JSON',
} as const;
