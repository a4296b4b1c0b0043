export { hasAnyRole, leadingRole, type User } from './user.ts';
export {
  createTokenVerifier,
  discoverIssuerKeys,
  localIssuerKeys,
  type VerifyToken,
} from './token-verifier.ts';
export {
  openBrokerKeys,
  privateJwkSchema,
  publicPart,
  type BrokerKeys,
  type PrivateJwk,
  type VerifiedNode,
} from './broker-keys.ts';
export { demoUserSchema, openAccountBook, type DemoUser } from './demo-users.ts';
export {
  createEmbeddedProvider,
  embeddedAudience,
  embeddedRealmPath,
  type LoginEvent,
} from './embedded-provider.ts';
