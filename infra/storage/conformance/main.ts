import { writeFile } from 'node:fs/promises';
import { statementFile } from './statement-file.ts';
import { conformanceStatement } from './statement.ts';

await writeFile(statementFile, conformanceStatement());
