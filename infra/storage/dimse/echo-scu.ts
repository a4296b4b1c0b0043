import type { EchoResult } from '@medusa/protocol';
import type { Entity } from '../entities/registry.ts';
import { implicitLittleEndian } from '../dicom/transfer-syntax.ts';
import { commandFields, statuses } from './command.ts';
import { requestAssociation, type Caller } from './requestor.ts';
import { verification } from './services.ts';

type Target = { readonly title: string; readonly entity: Entity };

/** With when the certificate ends that the peer showed. */
export type Echoed = { readonly result: EchoResult; readonly certificateEndsAt: Date | undefined };

/** One that takes longer is no archive to wait for. */
const echoMs = 6_000;

/** C-ECHO as SCU (PS3.7 §9.1.5), with what came of it in words. Never rejects. */
export async function echo(caller: Caller, target: Target): Promise<Echoed> {
  const start = performance.now();
  const at = new Date().toISOString();
  let certificateEndsAt: Date | undefined;
  const result = (isReachable: boolean, words: string): Echoed => ({
    result: { at, isReachable, words: words.slice(0, 300), ms: Math.round(performance.now() - start) },
    certificateEndsAt,
  });
  const times = { ...caller.times, artimMs: echoMs, idleMs: echoMs };
  try {
    await using association = await requestAssociation(
      { ...caller, times },
      {
        ...target,
        contexts: [{ id: 1, abstractSyntax: verification, transferSyntaxes: [implicitLittleEndian] }],
      },
    );
    certificateEndsAt = association.certificate?.endsAt;
    if (association.contexts.length === 0)
      return result(false, 'It takes associations, but not the Verification SOP class');
    const request = { affectedSopClassUID: verification, field: commandFields.echoRequest };
    for await (const { command } of association.exchange.invoke(1, request))
      if (command.status !== statuses.success)
        return result(
          false,
          `It answered C-ECHO with status ${command.status.toString(16).padStart(4, '0')}`,
        );
    const way = target.entity.tls === 'off' ? 'without TLS' : 'over TLS';
    return result(true, `It answers, ${way}`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return result(false, wordsOf(reason, { caller, target }));
  }
}

const connectionWords: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED/, 'Nothing listens at that address and port (connection refused)'],
  [/EHOSTUNREACH|ENETUNREACH/, 'There is no route to that address'],
  [/ENOTFOUND|EAI_AGAIN/, 'The host name is not known to the name service'],
  [/took too long|ETIMEDOUT/, 'It did not answer in time: a firewall may be in between'],
  [/ECONNRESET|closed the connection|socket hang up/, 'It closed the connection: it may want TLS, or none'],
  [/certificate of another title/, 'Its certificate is not that of this AE title'],
  [/revoked/, 'Its certificate is revoked'],
  [/no certificates for DICOM/, 'TLS is required, and this storage node has no certificates for DICOM'],
  [/CERT_HAS_EXPIRED|expired/, 'Its certificate has expired'],
  [
    /SELF_SIGNED|UNABLE_TO_|issuer/,
    'Its certificate is of an authority that this storage node does not trust',
  ],
  [/SSL|TLS|EPROTO/, 'TLS could not be agreed: it may speak plaintext only, or refuse our certificate'],
  [/address is not known/, 'It has no address here'],
];

function wordsOf(reason: string, { caller, target }: { caller: Caller; target: Target }): string {
  const rejected = /source (\d+), reason (\d+)/.exec(reason);
  if (rejected)
    return (
      rejectionWords(`${rejected[1]}/${rejected[2]}`, { caller, target }) ??
      `It rejected the association (${reason})`
    );
  return connectionWords.find(([pattern]) => pattern.test(reason))?.[1] ?? `It cannot be reached: ${reason}`;
}

/** PS3.8 table 9-21: source and reason. */
function rejectionWords(
  why: string,
  { caller, target }: { caller: Caller; target: Target },
): string | undefined {
  const words: Readonly<Record<string, string>> = {
    '1/3': `It does not know our AE title ${caller.callingTitle} (calling AE title not recognized)`,
    '1/7': `It does not go by the AE title ${target.title} (called AE title not recognized)`,
    '3/1': 'It has no association to spare at the moment',
    '3/2': 'It has no association to spare at the moment',
  };
  return words[why];
}
