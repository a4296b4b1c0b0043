import {
  manifestSchema,
  type Manifest,
  type ManifestCheck,
  type ManifestProblem,
  type ProviderCatalog,
} from '@medusa/protocol';
import { parseCords, renderCords } from './cords/index.ts';
import { planDeployment, type DeploymentOptions } from './deployment.ts';
import { fitToCatalog } from './fit.ts';
import { lintManifest } from './lint.ts';

type CheckOptions = DeploymentOptions & { readonly catalog?: ProviderCatalog | undefined };

/**
 * All that can be said about a manifest, a document or its JSON, without deploying it: what is wrong with it and where, what is missing,
 * how it would be deployed and, given the catalogue of a provider, as what there. Never throws.
 */
export function checkManifest(body: unknown, options: CheckOptions): ManifestCheck {
  const { manifest, problems, placeOf } = typeof body === 'string' ? parseCords(body) : parseJson(body);
  if (!manifest)
    return { manifest, problems: [...problems], lint: [], plan: null, fit: null, document: null };
  const planned = planDeployment(manifest, options);
  const wrong = planned.ok ? [] : planned.problems;
  const all: ManifestProblem[] = [
    ...problems,
    ...wrong.map((problem) => ({ severity: 'error' as const, ...problem, ...placeOf(problem.pointer) })),
  ];
  const lint = lintManifest(manifest).map((finding) => ({ ...finding, ...placeOf(finding.pointer) }));
  const document = renderCords(annotate(manifest, { problems: all, lint }));
  const plan = planned.ok ? planned.plan : null;
  const fit = plan && options.catalog ? fitToCatalog(plan, options.catalog) : null;
  return { manifest, problems: all, lint, plan, fit, document };
}

/** As many as a manifest may have. */
const mostRemarks = 1_000;

/** As parsers of CORDS answer: errors and warnings come back in the document itself. */
function annotate(
  manifest: Manifest,
  { problems, lint }: Pick<ManifestCheck, 'problems' | 'lint'>,
): Manifest {
  const remarks = (wanted: ManifestProblem['severity']): Manifest['errors'] =>
    problems
      .filter(({ severity }) => severity === wanted)
      .map(({ pointer, message }) => ({ ...(pointer === '' ? {} : { code: pointer }), message }));
  return {
    ...manifest,
    errors: [...manifest.errors, ...remarks('error')].slice(0, mostRemarks),
    warnings: [
      ...manifest.warnings,
      ...remarks('warning'),
      ...lint.map(({ section, message }) => ({ code: section, message })),
    ].slice(0, mostRemarks),
  };
}

type Read = {
  readonly manifest: Manifest | null;
  readonly problems: readonly ManifestProblem[];
  readonly placeOf: (pointer: string) => { line: number | null; column: number | null };
};

/** JSON that came over HTTP has no lines any more: pointers (RFC 6901) tell where. */
function parseJson(body: unknown): Read {
  const parsed = manifestSchema.safeParse(body);
  const nowhere = { line: null, column: null };
  const problems = (parsed.error?.issues ?? []).map(({ path, message }) => ({
    severity: 'error' as const,
    pointer: path.map((part) => `/${String(part)}`).join(''),
    ...nowhere,
    message,
  }));
  return { manifest: parsed.data ?? null, problems, placeOf: () => nowhere };
}
