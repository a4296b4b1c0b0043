import { agreementReportSchema, type AgreementReport } from '@medusa/protocol';
import { expect, it } from 'vitest';
import { isSigned, jwksSchema, type Jwks } from './report-signature.ts';

const report: AgreementReport = {
  ...{ agreementId: 'a', customer: 'Höfner', provider: 'medusa', events: 0 },
  ...{
    from: '2026-03-01T00:00:00.000Z',
    to: '2026-04-01T00:00:00.000Z',
    generatedAt: '2026-04-02T00:00:00.000Z',
  },
  ...{ guarantees: [], totals: [], entries: [] },
};

async function signed(value: unknown): Promise<{ signature: string; jwks: Jwks }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const pair = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const part = (text: string): string => Buffer.from(text).toString('base64url');
  const content = `${part(JSON.stringify({ alg: 'ES256', kid: 'k' }))}.${part(JSON.stringify(value))}`;
  const hash = { name: 'ECDSA', hash: 'SHA-256' };
  const mark = await crypto.subtle.sign(hash, pair.privateKey, new TextEncoder().encode(content));
  const key = await crypto.subtle.exportKey('jwk', pair.publicKey);
  const jwks = jwksSchema.parse({ keys: [{ ...key, kid: 'k' }] });
  return { signature: `${content}.${Buffer.from(mark).toString('base64url')}`, jwks };
}

it('a signature holds for the report that was signed, and for no other', async () => {
  const { signature, jwks } = await signed(report);

  expect(await isSigned(agreementReportSchema, { document: report, signature }, jwks)).toBe(true);
  expect(await isSigned(agreementReportSchema, { document: { ...report, events: 1 }, signature }, jwks)).toBe(
    false,
  );
});

it('a signature by another key, of another form or changed is none', async () => {
  const { signature, jwks } = await signed(report);
  const { jwks: others } = await signed(report);
  const unsigned = `${btoa('{"alg":"none"}')}.${signature.split('.')[1] ?? ''}.`;

  expect(await isSigned(agreementReportSchema, { document: report, signature }, others)).toBe(false);
  expect(await isSigned(agreementReportSchema, { document: report, signature: unsigned }, jwks)).toBe(false);
  expect(
    await isSigned(agreementReportSchema, { document: report, signature: signature.slice(0, -6) }, jwks),
  ).toBe(false);
  expect(await isSigned(agreementReportSchema, { document: report, signature: '' }, jwks)).toBe(false);
});
