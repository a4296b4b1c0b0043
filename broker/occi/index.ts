export { emptyNote, type Note, type OcciStore } from './backend.ts';
export type { Mixin } from './model/index.ts';
export { openOcci, type OcciDeps } from './open-occi.ts';
export { decoded } from './place.ts';
export {
  chooseMediaType,
  emptyPayload,
  mediaTypeOf,
  mediaTypes,
  parsePayload,
  renderBody,
  type MediaType,
  type OcciPayload,
} from './rendering/index.ts';
export type { OcciReply, OcciRequest } from './request.ts';
export { checkVersion, createOcciServer, occiVersion, type OcciServer } from './server.ts';
