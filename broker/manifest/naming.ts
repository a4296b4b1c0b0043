import { createHash } from 'node:crypto';
import { resourceIdSchema, type ResourceId } from '@medusa/protocol';

const most = 32;

/** Gives each thing of a deployment a resource id from the names on its way: the same every time, and no two the same. */
export function createNaming(): (names: readonly string[]) => ResourceId {
  const taken = new Set<string>();
  return (names) => {
    const whole = names.join('.');
    const plain = slug(names.join('-'));
    const isFree = plain.length > 0 && plain.length <= most && !taken.has(plain);
    const id = isFree ? plain : marked(plain, whole, taken);
    taken.add(id);
    return resourceIdSchema.parse(id);
  };
}

/** Cut, and told apart by a hash of all that the names say. */
function marked(plain: string, whole: string, taken: ReadonlySet<string>): string {
  for (let round = 0; ; round += 1) {
    const hash = createHash('sha256').update(`${whole}#${round}`).digest('hex').slice(0, 6);
    const id = slug(`${plain.slice(0, most - hash.length - 1)}-${hash}`);
    if (!taken.has(id)) return id;
  }
}

function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
}
