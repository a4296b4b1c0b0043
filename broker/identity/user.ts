import type { Role, UserId } from '@medusa/protocol';

/** A person as a verified access token names them. */
export type User = {
  readonly id: UserId;
  readonly name: string;
  readonly username: string;
  readonly roles: readonly Role[];
  /** One login: stays the same when tokens are refreshed. */
  readonly loginId: string;
  readonly expiresAt: Date;
};

/** The role that a room shows; a user with several is shown by the one that may do most with a study. */
export function leadingRole(user: User): Role {
  const order: readonly Role[] = ['radiologist', 'doctor', 'admin'];
  return order.find((role) => user.roles.includes(role)) ?? 'doctor';
}

export function hasAnyRole(user: User, roles: readonly Role[]): boolean {
  return roles.some((role) => user.roles.includes(role));
}
