import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { z } from 'zod';

const packageSchema = z.object({
  dependencies: z.record(z.string(), z.string()).default({}),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
});
const imports = /^(?:import|export) (?!type )[^;]*?from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm;

type Need = { readonly name: string; readonly from: string; readonly isOptional: boolean };

/**
 * The installed packages that these sources run with, as folders relative to the checkout: what they import, and what
 * that depends on. Packages of our own are left out: they are sources themselves.
 * @throws Error when one is not installed.
 */
export async function dependenciesOf(checkout: string, sourceFiles: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  const sources = sourceFiles.filter((name) => name.endsWith('.ts'));
  const waiting = (await Promise.all(sources.map(async (file) => importsOf(checkout, file)))).flat();
  for (let need = waiting.pop(); need; need = waiting.pop()) {
    const folder = resolve(checkout, need);
    if (folder === undefined && !need.isOptional)
      throw new Error(`${need.name}, which ${need.from} imports, is not installed: run npm ci`);
    if (folder === undefined || found.has(folder)) continue;
    found.add(folder);
    waiting.push(...(await needsOf(checkout, folder)));
  }
  return [...found].sort();
}

async function importsOf(checkout: string, file: string): Promise<Need[]> {
  const text = await readFile(path.join(checkout, file), 'utf8');
  return [...text.matchAll(imports)].flatMap(([, from, bare, dynamic]) => {
    const name = packageName(from ?? bare ?? dynamic ?? '');
    return name === undefined ? [] : [{ name, from: path.dirname(file), isOptional: false }];
  });
}

async function needsOf(checkout: string, folder: string): Promise<Need[]> {
  const text = await readFile(path.join(checkout, folder, 'package.json'), 'utf8');
  const { dependencies, optionalDependencies } = packageSchema.parse(JSON.parse(text));
  // npm lists optional ones among both.
  const names = Object.keys({ ...dependencies, ...optionalDependencies });
  return names.map((name) => ({ name, from: folder, isOptional: name in optionalDependencies }));
}

/** `@scope/name/part` → `@scope/name`; undefined for files, what Node brings, and our own. */
function packageName(specifier: string): string | undefined {
  if (
    specifier === '' ||
    specifier.startsWith('.') ||
    specifier.startsWith('@medusa/') ||
    isBuiltin(specifier)
  )
    return undefined;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** As Node does: the nearest `node_modules` that has it. */
function resolve(checkout: string, { name, from }: { name: string; from: string }): string | undefined {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, 'node_modules', name);
    if (existsSync(path.join(checkout, candidate, 'package.json'))) return candidate;
    if (folder === '.') return undefined;
  }
}
