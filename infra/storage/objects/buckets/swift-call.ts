import { unreachable, type HttpCall, type HttpClient, type HttpReply } from './http-client.ts';
import { openSwiftAccount, type SwiftSettings } from './swift-account.ts';

type Asked = Pick<HttpCall, 'method' | 'body' | 'signal'> & {
  readonly name: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Asks for a name in the container, or with an empty one for the container itself. @throws AppError `storage.unreachable` */
export type SwiftCall = (asked: Asked) => Promise<HttpReply>;

export function openSwiftCall(settings: SwiftSettings, http: HttpClient): SwiftCall {
  const account = openSwiftAccount(settings, http);

  const attempt = async ({ name, query, headers, body, ...call }: Asked): Promise<HttpReply | 'expired'> => {
    const access = await account.access(call.signal);
    const container = `${access.storageUrl}/${encodeURIComponent(settings.container)}`;
    const url = new URL(name === '' ? container : `${container}/${name}`);
    for (const [key, value] of Object.entries(query ?? {})) url.searchParams.set(key, value);
    const reply = await http.call({
      ...call,
      url,
      headers: { ...headers, 'x-auth-token': access.token },
      ...(body !== undefined && { body }),
    });
    if (reply.status !== 401) return reply;
    account.refuse(access);
    reply.body.destroy();
    return 'expired';
  };
  /** Tokens can be withdrawn before their end. */
  return async (asked) => {
    const first = await attempt(asked);
    if (first !== 'expired') return first;
    const second = await attempt(asked);
    if (second !== 'expired') return second;
    throw unreachable('The object store takes no token of ours');
  };
}
