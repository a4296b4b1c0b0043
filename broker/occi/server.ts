import { AppError } from '@medusa/protocol';
import { answerKind, answerMixin, answerUnbound } from './collection-requests.ts';
import { openContext, type OcciServerDeps } from './context.ts';
import { answerDiscovery } from './discovery.ts';
import { answerEntity } from './entity-requests.ts';
import { targetOf } from './place.ts';
import type { OcciReply, OcciRequest } from './request.ts';

export const occiVersion = 'OCCI/1.2';

/** GFD.223 §5.3: a client that speaks a later version is told so. Throws `occi.not-implemented`. */
export function checkVersion(userAgent: string | undefined): void {
  const [, major = '1', minor = '0'] = /\bOCCI\/(\d{1,4})\.(\d{1,4})/i.exec(userAgent ?? '') ?? [];
  const isLater = Number(major) > 1 || (Number(major) === 1 && Number(minor) > 2);
  if (isLater) throw new AppError('occi.not-implemented', `This is ${occiVersion}`);
}

/** The semantics of OCCI's HTTP protocol (GFD.223), without HTTP. */
export type OcciServer = {
  /**
   * Throws AppError: `request.malformed` 400, `access.refused` 403, `route.unknown` and `resource.unknown` 404,
   * `occi.method-refused` 405 with `allow`, `resource.conflict` 409, `request.too-large` 413, and what backends throw.
   */
  answer(request: OcciRequest): Promise<OcciReply>;
};

export function createOcciServer(deps: OcciServerDeps): OcciServer {
  return {
    async answer(request) {
      const context = await openContext(deps, request);
      const target = targetOf(request.path, context.registry);
      switch (target.what) {
        case 'discovery':
          return answerDiscovery(context, request);
        case 'kind':
          return answerKind(context, target.kind, request);
        case 'mixin':
          return answerMixin(context, target.mixin, request);
        case 'entity':
          return answerEntity(context, target, request);
        case 'unbound':
          return answerUnbound(context, target.path, request);
        case 'nothing':
          throw new AppError('route.unknown', 'There is nothing at this address');
      }
    },
  };
}
