import type { Finding } from '../dicom/inspect.ts';
import { tiff } from '../dicom/file-types.ts';
import type { Quarantine } from './quarantine.ts';
import type { Scanner } from './scanner.ts';

/** What a site does about objects that are more than objects. */
export type DefencePolicy = {
  /** Of objects that carry a program, pose as another file, or are infected. Their bytes are never changed. */
  readonly suspicious: 'quarantine' | 'refuse';
  /** Whether a preamble may make the file a TIFF besides, as it does of whole-slide images (PS3.10 §7.1). */
  readonly tiffPreamble: 'allow' | 'suspect';
  /** What a sender by DIMSE is answered whose object lies in quarantine. */
  readonly quarantineAnswer: 'failure' | 'success';
  /** What becomes of an object that could not be scanned. */
  readonly unscanned: 'hold' | 'accept';
};

export type Defence = {
  readonly policy: DefencePolicy;
  readonly quarantine: Quarantine;
  /** Undefined: nothing is scanned. */
  readonly scanner: Scanner | undefined;
};

export type Judgement =
  | { readonly kind: 'clean' }
  | { readonly kind: 'suspicious'; readonly reason: string }
  /** The scanner could not say. */
  | { readonly kind: 'unscanned'; readonly reason: string };

/** The reasons name places and types, no value of the object. */
export async function judge(
  { findings, path }: { readonly findings: readonly Finding[]; readonly path: string },
  { policy, scanner }: Pick<Defence, 'policy' | 'scanner'>,
): Promise<Judgement> {
  const found = findings.filter(
    ({ place, type }) => place !== 'preamble' || type !== tiff || policy.tiffPreamble === 'suspect',
  );
  if (found.length > 0) return { kind: 'suspicious', reason: found.map(wordsOf).join('; ').slice(0, 200) };
  const verdict = await scanner?.scan(path);
  if (!verdict || verdict.kind === 'clean') return { kind: 'clean' };
  if (verdict.kind === 'infected') return { kind: 'suspicious', reason: `infected: ${verdict.name}` };
  return policy.unscanned === 'accept' ? { kind: 'clean' } : { kind: 'unscanned', reason: verdict.reason };
}

function wordsOf({ place, type }: Finding): string {
  return place === 'preamble'
    ? `its preamble is that of another file: ${type}`
    : `${type} in (${place.slice(0, 4)},${place.slice(4)})`;
}
