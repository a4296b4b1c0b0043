import {
  agreementOfferSchema,
  agreementTemplateSchema,
  AppError,
  parseInput,
  type AgreementCheck,
  type AgreementOffer,
  type AgreementTemplate,
} from '@medusa/protocol';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { parseAgreement } from '../../agreement/index.ts';

/** XML as it came, or JSON. */
export const documentBodySchema = z.union([z.string().min(1), z.record(z.string(), z.unknown())]);
type DocumentBody = z.infer<typeof documentBodySchema>;

/** A template, as WS-Agreement's XML or as JSON. Throws `request.invalid` with each problem and its place. */
export function readTemplate(body: DocumentBody): AgreementTemplate {
  if (typeof body !== 'string') return parseInput(agreementTemplateSchema, body);
  const read = parsedXml(body);
  if (read.kind === 'template') return read.document;
  throw new AppError('request.invalid', 'This is no template');
}

/** An offer or an agreement, as WS-Agreement's XML or as JSON. */
export function readOffer(body: DocumentBody): AgreementOffer {
  if (typeof body !== 'string') return parseInput(agreementOfferSchema, body);
  const read = parsedXml(body);
  if (read.kind !== 'template') return read.document;
  throw new AppError('request.invalid', 'This is a template, not an offer');
}

const faultsSchema = z.array(z.object({ pointer: z.string(), message: z.string() }));
type Checked = AgreementTemplate | AgreementOffer;

/** The document, or what is wrong with it; JSON that came over HTTP has no lines any more. */
export function checkDocument(
  body: DocumentBody,
  as: 'template' | 'offer',
): { readonly document: Checked } | AgreementCheck {
  const read = typeof body === 'string' ? parseAgreement(body) : undefined;
  if (read?.ok === false) return { problems: read.problems.map((problem) => ({ pointer: '', ...problem })) };
  try {
    return { document: as === 'template' ? readTemplate(body) : readOffer(body) };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const faults = faultsSchema.safeParse(error.details['errors']).data ?? [
      { pointer: '', message: error.message },
    ];
    return { problems: faults.map((fault) => ({ ...fault, line: null, column: null })) };
  }
}

function parsedXml(xml: string): Extract<ReturnType<typeof parseAgreement>, { ok: true }> {
  const read = parseAgreement(xml);
  if (read.ok) return read;
  const errors = read.problems.map(({ line, column, message }) => ({
    pointer: `line ${line}, column ${column}`,
    message,
  }));
  throw new AppError('request.invalid', 'The document does not fit WS-Agreement', { errors });
}

/** JSON, or XML when the caller prefers it (RFC 9110 §12.5.1). */
export function sendDocument(req: Request, res: Response, document: { json: unknown; xml: string }): void {
  res.set('cache-control', 'no-store').vary('accept');
  if (req.accepts(['application/json', 'application/xml']) === 'application/xml')
    res.type('application/xml').send(document.xml);
  else res.json(document.json);
}
