import { ProviderError, type Endpoint } from '../../port/index.ts';
import { decodeResponse, encodeCall, type XmlRpcAnswer, type XmlRpcValue } from './xml-rpc.ts';

export type XmlRpcCall = {
  readonly method: string;
  readonly parameters: readonly XmlRpcValue[];
  readonly isChange: boolean;
  readonly signal: AbortSignal;
};

/** One call over HTTP. Faults are answers: what they mean is the provider's own matter. */
export async function callXmlRpc(endpoint: Endpoint, url: string, call: XmlRpcCall): Promise<XmlRpcAnswer> {
  const { method, parameters, isChange, signal } = call;
  const answer = await endpoint.ask({
    method: 'POST',
    url,
    headers: { 'content-type': 'text/xml; charset=utf-8' },
    body: encodeCall(method, parameters),
    isChange,
    signal,
  });
  if (answer.status === 401 || answer.status === 403)
    throw new ProviderError('auth', `${method} was refused with status ${answer.status}`);
  if (answer.status === 429 || answer.status === 503)
    throw new ProviderError('rate-limited', `${method} was put off with status ${answer.status}`);
  if (answer.status !== 200)
    throw new ProviderError(
      isChange && answer.status >= 500 ? 'unknown-outcome' : 'transient',
      `${method} was answered with status ${answer.status}`,
    );
  try {
    return decodeResponse(answer.text);
  } catch (cause) {
    throw new ProviderError(
      isChange ? 'unknown-outcome' : 'transient',
      `${method} was not answered in XML-RPC`,
      {
        cause,
      },
    );
  }
}
