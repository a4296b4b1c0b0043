import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { transferSyntaxes } from '../dicom/transfer-syntax.ts';
import { transferSyntaxNames } from './names.ts';
import { statementFile } from './statement-file.ts';
import { conformanceStatement } from './statement.ts';

describe('the conformance statement', () => {
  it('in docs is what the code says; if not: node infra/storage/conformance/main.ts', async () => {
    expect(await readFile(statementFile, 'utf8')).toBe(conformanceStatement());
  });

  it('knows every transfer syntax by its name', () => {
    expect(transferSyntaxes.filter((uid) => transferSyntaxNames[uid] === undefined)).toEqual([]);
  });
});
