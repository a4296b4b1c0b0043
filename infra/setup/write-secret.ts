import { rename, writeFile } from 'node:fs/promises';

/** Whole or not at all, so that a crash leaves no half-written key. */
export async function writeSecret(file: string, text: string): Promise<void> {
  const part = `${file}.${process.pid}.part`;
  await writeFile(part, `${text}\n`, { mode: 0o600 });
  await rename(part, file);
}
