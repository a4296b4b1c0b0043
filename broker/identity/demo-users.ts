import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { roleSchema, userIdSchema, type Role, type UserId } from '@medusa/protocol';
import { z } from 'zod';

export const demoUserSchema = z.object({
  username: z.string().min(1).max(80),
  name: z.string().min(1).max(120),
  role: roleSchema,
  password: z.string().min(8),
});
export type DemoUser = z.infer<typeof demoUserSchema>;

export type Account = {
  readonly id: UserId;
  readonly username: string;
  readonly name: string;
  readonly role: Role;
};

/** The accounts of the embedded provider. Passwords are hashed when loaded and never kept. */
export type AccountBook = {
  find(id: string): Account | undefined;
  /** The account when the password is right. Takes the same time for an unknown name. */
  authenticate(username: string, password: string): Promise<Account | undefined>;
};

const derive = promisify<string, Buffer, number, Buffer>(scrypt);
const hashBytes = 32;

export async function openAccountBook(users: readonly DemoUser[]): Promise<AccountBook> {
  const hash = async (password: string): Promise<{ salt: Buffer; digest: Buffer }> => {
    const salt = randomBytes(16);
    return { salt, digest: await derive(password, salt, hashBytes) };
  };
  const entries = await Promise.all(
    users.map(async ({ username, name, role, password }) => ({
      account: { id: userIdSchema.parse(username), username, name, role },
      hashed: await hash(password),
    })),
  );
  const byName = new Map(entries.map((entry) => [entry.account.username, entry]));
  const nobody = await hash(randomBytes(16).toString('hex'));

  return {
    find: (id) => byName.get(id)?.account,
    async authenticate(username, password) {
      const entry = byName.get(username);
      const { salt, digest } = entry?.hashed ?? nobody;
      const given = await derive(password, salt, hashBytes);
      return timingSafeEqual(given, digest) ? entry?.account : undefined;
    },
  };
}
