import { createHash } from 'node:crypto';
import { ok, page, type Json, type Recorded, type Route, type Thing, type World } from './world.stand-in.ts';

export function cinderRoutes(world: World): readonly Route[] {
  const { volumes, snapshots } = world.things;

  const create = (wanted: Json): Recorded => {
    const sample = world.sample('volume', 'POST /v3/{id}/volumes 202');
    const volume: Thing = { ...sample, ...wanted, id: world.newId(), status: 'creating', attachments: [] };
    volumes.set(volume.id, volume);
    world.plan(volume.id, {}, { status: 'available' });
    return ok({ volume: { ...volume } }, 202);
  };

  const remove = (id: string): Recorded => {
    const volume = volumes.get(id);
    if (!volume) return world.say('volume', 'GET /v3/{id}/volumes/{id} 404');
    const hasSnapshots = [...snapshots.values()].some((snapshot) => snapshot['volume_id'] === id);
    if (volume['status'] !== 'available' || hasSnapshots)
      return world.say('volume', 'DELETE /v3/{id}/volumes/{id} 400');
    Object.assign(volume, { status: 'deleting' });
    world.plan(id, {}, undefined);
    return { status: 202, body: {} };
  };

  const createSnapshot = (wanted: Json): Recorded => {
    const volume = volumes.get(String(wanted['volume_id']));
    if (!volume) return world.say('volume', 'GET /v3/{id}/volumes/{id} 404');
    const sample = world.sample('volume', 'POST /v3/{id}/snapshots 202');
    const snapshot: Thing = {
      ...{ ...sample, ...wanted },
      ...{ id: world.newId(), size: volume['size'], status: 'creating' },
    };
    snapshots.set(snapshot.id, snapshot);
    world.plan(snapshot.id, {}, { status: 'available' });
    return ok({ snapshot: { ...snapshot } }, 202);
  };

  return [
    ['POST /*/volumes', (_ids, { body }) => create(body['volume'] as Json)],
    ['GET /*/volumes/detail', (_ids, { query }) => page('volumes', world.lookAll(volumes), query)],
    [
      'GET /*/volumes/*',
      ([, id = '']) => {
        const volume = world.look(volumes, id);
        return volume ? ok({ volume }) : world.say('volume', 'GET /v3/{id}/volumes/{id} 404');
      },
    ],
    ['DELETE /*/volumes/*', ([, id = '']) => remove(id)],
    [
      'POST /*/volumes/*/action',
      ([, id = '']) => {
        Object.assign(volumes.get(id) ?? {}, { status: 'reverting' });
        world.plan(id, {}, { status: 'available' });
        return { status: 202, body: {} };
      },
    ],
    ['POST /*/snapshots', (_ids, { body }) => createSnapshot(body['snapshot'] as Json)],
    ['GET /*/snapshots/detail', (_ids, { query }) => page('snapshots', world.lookAll(snapshots), query)],
    [
      'GET /*/snapshots/*',
      ([, id = '']) => {
        const snapshot = world.look(snapshots, id);
        return snapshot ? ok({ snapshot }) : world.say('volume', 'GET /v3/{id}/snapshots/{id} 404');
      },
    ],
    [
      'DELETE /*/snapshots/*',
      ([, id = '']) => {
        if (!snapshots.has(id)) return world.say('volume', 'GET /v3/{id}/snapshots/{id} 404');
        world.plan(id, { status: 'deleting' }, undefined);
        return { status: 202, body: {} };
      },
    ],
    ['GET /*/types', () => world.say('volume', 'GET /v3/{id}/types 200')],
    ['GET /*/limits', () => world.say('volume', 'GET /v3/{id}/limits 200')],
  ];
}

/** `spoil`: what arrives is not what was sent. */
export function glanceRoutes(world: World, isSpoilt: () => boolean): readonly Route[] {
  const { images } = world.things;
  const missing = (): Recorded => world.say('image', 'GET /v2/images/{id} 404');
  const [tiny] = world.say('image', 'GET /v2/images 200').body['images'] as [Thing];
  images.set(tiny.id, tiny);

  return [
    [
      'GET /images',
      (_ids, { query }) => {
        const filters = [...query].filter(([key]) => !['limit', 'marker'].includes(key));
        const found = [...images.values()].filter((image) =>
          filters.every(([key, value]) => image[key] === value),
        );
        const { body } = page('images', found, query);
        return ok({ images: body['images'], ...('images_links' in body && { next: '/v2/images?marker=1' }) });
      },
    ],
    [
      'GET /images/*',
      ([id = '']) => {
        const image = images.get(id);
        return image ? ok(image) : missing();
      },
    ],
    [
      'POST /images',
      (_ids, { body }) => {
        const { body: sample } = world.say('image', 'POST /v2/images 201');
        const image: Thing = { ...sample, ...body, id: world.newId(), status: 'queued' };
        images.set(image.id, image);
        return ok({ ...image }, 201);
      },
    ],
    [
      'PUT /images/*/file',
      ([id = ''], { text }) => {
        const image = images.get(id);
        if (!image) return missing();
        const arrived = isSpoilt() ? text.slice(1) : text;
        const os_hash_value = createHash('sha512').update(arrived).digest('hex');
        Object.assign(image, { status: 'active', os_hash_algo: 'sha512', os_hash_value });
        return { status: 204, body: {} };
      },
    ],
    ['DELETE /images/*', ([id = '']) => (images.delete(id) ? { status: 204, body: {} } : missing())],
  ];
}
