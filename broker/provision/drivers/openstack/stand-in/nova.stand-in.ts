import { ok, page, type Json, type Recorded, type Route, type Thing, type World } from './world.stand-in.ts';

/** Where an action is possible, and the states after it: `OS-EXT-STS:task_state` first, then the end. */
const actions: Readonly<Record<string, { from: readonly string[]; task: string; to: string }>> = {
  'os-start': { from: ['SHUTOFF'], task: 'powering-on', to: 'ACTIVE' },
  'os-stop': { from: ['ACTIVE', 'ERROR'], task: 'powering-off', to: 'SHUTOFF' },
  suspend: { from: ['ACTIVE'], task: 'suspending', to: 'SUSPENDED' },
  resume: { from: ['SUSPENDED'], task: 'resuming', to: 'ACTIVE' },
  reboot: { from: ['ACTIVE', 'SHUTOFF'], task: 'rebooting', to: 'ACTIVE' },
};

export function novaRoutes(world: World): readonly Route[] {
  const { servers, ports, volumes, keypairs } = world.things;
  const flavors = (world.say('compute', 'GET /v2.1/flavors/detail 200').body['flavors'] ?? []) as Thing[];
  const missing = (): Recorded => world.say('compute', 'GET /v2.1/servers/{id} 404');

  const create = (wanted: Json): Recorded => {
    const isKnown = flavors.some(({ id }) => id === wanted['flavorRef']);
    if (!isKnown) return world.say('compute', 'GET /v2.1/flavors/{name} 404');
    const id = world.newId();
    const address = `10.77.0.${world.count % 250}`;
    const sample = world.sample('compute', 'GET /v2.1/servers/{id} 200 ACTIVE');
    servers.set(id, {
      ...sample,
      id,
      name: wanted['name'],
      metadata: wanted['metadata'],
      image: { id: wanted['imageRef'] },
      addresses: {},
      status: 'BUILD',
      'OS-EXT-STS:task_state': 'scheduling',
    });
    const networks = Array.isArray(wanted['networks']) ? (wanted['networks'] as Json[]) : [{ uuid: 'auto' }];
    const portId = world.newId();
    ports.set(portId, {
      ...world.sample('network', 'GET /v2.0/ports/{id} 200'),
      id: portId,
      network_id: networks[0]?.['uuid'],
      device_id: id,
      device_owner: 'compute:nova',
      security_groups: ((wanted['security_groups'] ?? []) as Json[]).map(({ name }) => name),
    });
    const { fault } = world.sample('compute', 'GET /v2.1/servers/{id} 200 ERROR');
    const done = {
      status: 'ACTIVE',
      'OS-EXT-STS:task_state': null,
      addresses: { private: [{ addr: address }] },
    };
    const failed = { status: 'ERROR', 'OS-EXT-STS:task_state': null, fault };
    world.plan(id, { 'OS-EXT-STS:task_state': 'spawning' }, world.isFull ? failed : done);
    const answer = world.say('compute', 'POST /v2.1/servers 202');
    return ok({ server: { ...(answer.body['server'] as Json), id } }, 202);
  };

  const destroy = (id: string): Recorded => {
    const server = servers.get(id);
    if (!server) return missing();
    for (const [portId, port] of ports) if (port['device_id'] === id) ports.delete(portId);
    for (const volume of volumes.values()) {
      const held = (volume['attachments'] ?? []) as Json[];
      if (held.some(({ server_id }) => server_id === id))
        Object.assign(volume, { status: 'available', attachments: [] });
    }
    Object.assign(server, { 'OS-EXT-STS:task_state': 'deleting' });
    world.plan(id, {}, undefined);
    return { status: 204, body: {} };
  };

  const act = (id: string, body: Json): Recorded => {
    const server = servers.get(id);
    if (!server) return missing();
    const name = Object.keys(body)[0] ?? '';
    if (name === 'os-getConsoleOutput')
      return world.say('compute', 'POST /v2.1/servers/{id}/action 200 os-getConsoleOutput');
    const action = actions[name];
    if (!action?.from.includes(String(server['status'])))
      return world.say('compute', 'POST /v2.1/servers/{id}/action 409 suspend');
    Object.assign(server, {
      'OS-EXT-STS:task_state': action.task,
      ...(name === 'reboot' && { status: 'REBOOT' }),
    });
    world.plan(id, {}, { status: action.to, 'OS-EXT-STS:task_state': null });
    return { status: 202, body: {} };
  };

  return [
    ['POST /servers', (_ids, { body }) => create(body['server'] as Json)],
    ['GET /servers/detail', (_ids, { query }) => page('servers', world.lookAll(servers), query)],
    [
      'GET /servers/*',
      ([id = '']) => {
        const server = world.look(servers, id);
        return server ? ok({ server }) : missing();
      },
    ],
    ['DELETE /servers/*', ([id = '']) => destroy(id)],
    ['POST /servers/*/action', ([id = ''], { body }) => act(id, body)],
    ...attachments(world),
    ['GET /flavors/detail', () => world.say('compute', 'GET /v2.1/flavors/detail 200')],
    ['GET /flavors', (_ids, { query }) => page('flavors', flavors, query)],
    [
      'GET /flavors/*',
      ([id = '']) => {
        const flavor = flavors.find((candidate) => candidate.id === id);
        return flavor ? ok({ flavor }) : world.say('compute', 'GET /v2.1/flavors/{name} 404');
      },
    ],
    [
      'GET /flavors/*/os-extra_specs',
      ([id = '']) =>
        ok({ extra_specs: flavors.find((candidate) => candidate.id === id)?.['extra_specs'] ?? {} }),
    ],
    ['GET /os-availability-zone', () => world.say('compute', 'GET /v2.1/os-availability-zone 200')],
    ['GET /limits', () => world.say('compute', 'GET /v2.1/limits 200')],
    [
      'GET /os-keypairs/*',
      ([name = '']) => {
        const keypair = keypairs.get(name);
        return keypair ? ok({ keypair }) : world.say('compute', 'GET /v2.1/os-keypairs/{name} 404');
      },
    ],
    [
      'POST /os-keypairs',
      (_ids, { body }) => {
        const keypair = body['keypair'] as Thing;
        keypairs.set(String(keypair['name']), keypair);
        return ok({ keypair }, 201);
      },
    ],
    [
      'DELETE /os-keypairs/*',
      ([name = '']) =>
        keypairs.delete(name)
          ? { status: 204, body: {} }
          : world.say('compute', 'DELETE /v2.1/os-keypairs/{name} 404'),
    ],
  ];
}

function attachments(world: World): readonly Route[] {
  const { servers, volumes } = world.things;
  const heldBy = (volume: Thing | undefined): unknown =>
    ((volume?.['attachments'] ?? []) as Json[])[0]?.['server_id'];
  return [
    [
      'GET /servers/*/os-volume_attachments',
      ([id = '']) => {
        const held = [...volumes.values()].filter((volume) => heldBy(volume) === id);
        return ok({ volumeAttachments: held.map((volume) => ({ volumeId: volume.id })) });
      },
    ],
    [
      'POST /servers/*/os-volume_attachments',
      ([id = ''], { body }) => {
        const { volumeId } = body['volumeAttachment'] as { volumeId: string };
        const volume = volumes.get(volumeId);
        if (!volume || !servers.has(id)) return world.say('compute', 'GET /v2.1/servers/{id} 404');
        Object.assign(volume, { status: 'attaching' });
        world.plan(volumeId, {}, { status: 'in-use', attachments: [{ server_id: id, device: '/dev/vdb' }] });
        return world.say('compute', 'POST /v2.1/servers/{id}/os-volume_attachments 200');
      },
    ],
    [
      'DELETE /servers/*/os-volume_attachments/*',
      ([id = '', volumeId = '']) => {
        const volume = volumes.get(volumeId);
        if (heldBy(volume) !== id) return world.say('compute', 'GET /v2.1/servers/{id} 404');
        Object.assign(volume ?? {}, { status: 'detaching' });
        world.plan(volumeId, {}, { status: 'available', attachments: [] });
        return { status: 202, body: {} };
      },
    ],
  ];
}
