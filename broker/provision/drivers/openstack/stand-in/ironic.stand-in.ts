import { ok, page, type Json, type Recorded, type Route, type Thing, type World } from './world.stand-in.ts';

export function ironicRoutes(world: World): readonly Route[] {
  const { nodes, allocations } = world.things;
  const [free] = world.say('baremetal', 'GET /v1/nodes/detail 200').body['nodes'] as [
    Thing & { uuid: string },
  ];
  const nodeOf = (idOrName: string): Thing | undefined =>
    [...nodes.values()].find((node) => node.id === idOrName || node['name'] === idOrName);
  const missing = (what: 'nodes/{name}' | 'allocations/{id}'): Recorded =>
    world.say('baremetal', `GET /v1/${what} 404`);

  const add = (sample: Json, wanted: Json): Thing => {
    const id = world.newId();
    const node = { ...sample, ...wanted, id, uuid: id };
    nodes.set(id, node);
    return node;
  };
  add(free, { provision_state: 'available', instance_uuid: null, maintenance: false });

  const provision = (node: Thing, { target }: Json): Recorded => {
    const paths: Readonly<Record<string, readonly (Json | undefined)[]>> = {
      manage: [{ provision_state: 'verifying' }, { provision_state: 'manageable' }],
      provide: [{ provision_state: 'cleaning' }, { provision_state: 'available' }],
      active: [{ provision_state: 'deploying' }, { provision_state: 'active', power_state: 'power on' }],
      deleted: [
        { provision_state: 'deleting' },
        { provision_state: 'cleaning' },
        { provision_state: 'available' },
      ],
    };
    world.plan(node.id, ...(paths[String(target)] ?? []));
    if (target === 'deleted') {
      allocations.delete(String(node['instance_uuid']));
      Object.assign(node, { instance_uuid: null, provision_state: 'deleting' });
    }
    return { status: 202, body: {} };
  };

  const allocate = (wanted: Json): Recorded => {
    if ([...allocations.values()].some(({ name }) => name === wanted['name']))
      return world.say('baremetal', 'POST /v1/allocations 409');
    const node = [...nodes.values()].find(
      (candidate) =>
        candidate['resource_class'] === wanted['resource_class'] &&
        candidate['provision_state'] === 'available' &&
        candidate['instance_uuid'] === null,
    );
    const sample = world.sample('baremetal', 'POST /v1/allocations 201');
    const id = world.newId();
    const allocation: Thing = { ...sample, ...wanted, id, uuid: id };
    allocations.set(id, allocation);
    if (node) Object.assign(node, { instance_uuid: id });
    const { last_error } = world.sample('baremetal', 'GET /v1/allocations/{id} 200 error');
    world.plan(id, {}, node ? { state: 'active', node_uuid: node.id } : { state: 'error', last_error });
    return ok({ ...allocation }, 201);
  };

  const withNode =
    (play: (node: Thing, body: Json) => Recorded): Route[1] =>
    ([id = ''], { body }) => {
      const node = nodeOf(id);
      return node ? play(node, body) : missing('nodes/{name}');
    };

  return [
    ['GET /nodes/detail', (_ids, { query }) => page('nodes', world.lookAll(nodes), query)],
    [
      'GET /nodes/*',
      ([id = '']) => {
        const node = nodeOf(id);
        return node ? ok(world.look(nodes, node.id) ?? {}) : missing('nodes/{name}');
      },
    ],
    [
      'POST /nodes',
      (_ids, { body }) =>
        ok(add(world.sample('baremetal', 'POST /v1/nodes 201'), { ...body, provision_state: 'enroll' }), 201),
    ],
    [
      'PATCH /nodes/*',
      withNode((node, body) => {
        for (const { path, value } of body as unknown as readonly { path: string; value: unknown }[])
          Object.assign(node, { [path.slice(1)]: value });
        return ok(node);
      }),
    ],
    ['GET /nodes/*/ports', () => ok({ ports: [] })],
    ['POST /ports', () => world.say('baremetal', 'POST /v1/ports 201')],
    ['PUT /nodes/*/states/provision', withNode(provision)],
    [
      'PUT /nodes/*/states/power',
      withNode((node, { target }) => {
        const to = target === 'power off' ? 'power off' : 'power on';
        Object.assign(node, { target_power_state: target });
        world.plan(node.id, {}, { power_state: to, target_power_state: null });
        return { status: 202, body: {} };
      }),
    ],
    ['POST /allocations', (_ids, { body }) => allocate(body)],
    ['GET /allocations', (_ids, { query }) => page('allocations', world.lookAll(allocations), query)],
    [
      'GET /allocations/*',
      ([id = '']) => {
        const allocation =
          world.look(allocations, id) ?? [...allocations.values()].find(({ name }) => name === id);
        return allocation ? ok(allocation) : missing('allocations/{id}');
      },
    ],
    [
      'DELETE /allocations/*',
      ([id = '']) => {
        const node = [...nodes.values()].find((candidate) => candidate['instance_uuid'] === id);
        if (node) Object.assign(node, { instance_uuid: null });
        return allocations.delete(id) ? { status: 204, body: {} } : missing('allocations/{id}');
      },
    ],
  ];
}
