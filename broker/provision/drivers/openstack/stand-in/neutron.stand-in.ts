import {
  matching,
  ok,
  page,
  type Json,
  type Recorded,
  type Route,
  type Thing,
  type World,
} from './world.stand-in.ts';

export function neutronRoutes(world: World): readonly Route[] {
  const { networks, subnets, routers, ports, floatingips, security_groups: groups } = world.things;
  const gone = { status: 204, body: {} };

  const add = (map: Map<string, Thing>, sample: Json, wanted: Json): Thing => {
    const thing: Thing = { ...sample, ...wanted, id: world.newId() };
    map.set(thing.id, thing);
    return thing;
  };
  const listed =
    (key: string, map: Map<string, Thing>): Route[1] =>
    (_ids, { query }) =>
      page(key, [...map.values()].filter(matching(query)), query);
  const shown =
    (name: string, map: Map<string, Thing>): Route[1] =>
    ([id = '']) => {
      const thing = map.get(id);
      return thing ? ok({ [name]: thing }) : world.say('network', `GET /v2.0/${plural(name)}/{id} 404`);
    };
  const removed =
    (name: string, map: Map<string, Thing>): Route[1] =>
    ([id = '']) =>
      map.delete(id) ? gone : world.say('network', `GET /v2.0/${plural(name)}/{id} 404`);

  const external = {
    ...networkSample(world),
    id: world.newId(),
    name: 'public',
    description: '',
    'router:external': true,
  };
  const inside = {
    ...networkSample(world),
    id: world.newId(),
    name: 'private',
    description: '',
    'router:external': false,
  };
  for (const network of [external, inside]) networks.set(network.id, network);

  const setPort = (id: string, portId: unknown): Recorded => {
    const floatingip = floatingips.get(id);
    if (!floatingip) return world.say('network', 'GET /v2.0/floatingips/{id} 404');
    Object.assign(floatingip, { port_id: portId });
    return ok({ floatingip });
  };

  const addInterface = (router: string, subnetId: unknown): Recorded => {
    const subnet = subnets.get(String(subnetId));
    add(ports, world.sample('network', 'GET /v2.0/ports/{id} 200'), {
      network_id: subnet?.['network_id'],
      device_id: router,
      device_owner: 'network:router_interface',
      security_groups: [],
    });
    return world.say('network', 'PUT /v2.0/routers/{id}/add_router_interface 200');
  };

  const removeNetwork = (id: string): Recorded => {
    if (!networks.delete(id)) return world.say('network', 'GET /v2.0/networks/{id} 404');
    for (const [subnetId, subnet] of subnets) if (subnet['network_id'] === id) subnets.delete(subnetId);
    return gone;
  };

  return [
    ['GET /networks', listed('networks', networks)],
    ['GET /networks/*', shown('network', networks)],
    [
      'POST /networks',
      (_ids, { body }) => {
        const wanted = body['network'] as Json;
        const isForAdministrators = 'provider:network_type' in wanted;
        if (isForAdministrators) return world.say('network', 'POST /v2.0/networks 403');
        return ok({ network: add(networks, networkSample(world), wanted) }, 201);
      },
    ],
    ['DELETE /networks/*', ([id = '']) => removeNetwork(id)],
    ['GET /subnets', listed('subnets', subnets)],
    [
      'POST /subnets',
      (_ids, { body }) => {
        const [sample = {}] = world.say('network', 'GET /v2.0/subnets 200').body['subnets'] as Json[];
        return ok(
          { subnets: (body['subnets'] as Json[]).map((wanted) => add(subnets, sample, wanted)) },
          201,
        );
      },
    ],
    ['GET /routers', listed('routers', routers)],
    [
      'POST /routers',
      (_ids, { body }) => {
        const sample = world.sample('network', 'POST /v2.0/routers 201');
        return ok({ router: add(routers, sample, body['router'] as Json) }, 201);
      },
    ],
    ['DELETE /routers/*', removed('router', routers)],
    ['PUT /routers/*/add_router_interface', ([id = ''], { body }) => addInterface(id, body['subnet_id'])],
    [
      'PUT /routers/*/remove_router_interface',
      (_ids, { body }) => {
        ports.delete(String(body['port_id']));
        return world.say('network', 'PUT /v2.0/routers/{id}/remove_router_interface 200');
      },
    ],
    ['GET /ports', listed('ports', ports)],
    ['GET /ports/*', shown('port', ports)],
    ['GET /floatingips', listed('floatingips', floatingips)],
    ['GET /floatingips/*', shown('floatingip', floatingips)],
    [
      'POST /floatingips',
      (_ids, { body }) => {
        const sample = world.sample('network', 'POST /v2.0/floatingips 201');
        const address = { floating_ip_address: `198.51.100.${world.count % 250}`, port_id: null };
        return ok(
          { floatingip: add(floatingips, { ...sample, ...address }, body['floatingip'] as Json) },
          201,
        );
      },
    ],
    ['PUT /floatingips/*', ([id = ''], { body }) => setPort(id, (body['floatingip'] as Json)['port_id'])],
    ['DELETE /floatingips/*', removed('floatingip', floatingips)],
    ['GET /security-groups', listed('security_groups', groups)],
    ['GET /security-groups/*', shown('security_group', groups)],
    [
      'POST /security-groups',
      (_ids, { body }) => {
        const sample = world.sample('network', 'POST /v2.0/security-groups 201');
        const group = add(groups, sample, body['security_group'] as Json);
        return ok({ security_group: group }, 201);
      },
    ],
    [
      'DELETE /security-groups/*',
      ([id = '']) => {
        const isUsed = [...ports.values()].some((port) => (port['security_groups'] as string[]).includes(id));
        if (isUsed) return world.say('network', 'DELETE /v2.0/security-groups/{id} 409');
        return groups.delete(id) ? gone : world.say('network', 'GET /v2.0/security-groups/{id} 404');
      },
    ],
    ...ruleRoutes(world),
    ['GET /quotas/*/details', () => world.say('network', 'GET /v2.0/quotas/{id}/details 200')],
  ];
}

function ruleRoutes(world: World): readonly Route[] {
  const { security_groups: groups } = world.things;
  return [
    [
      'POST /security-group-rules',
      (_ids, { body }) => {
        const rules = (body['security_group_rules'] as Json[]).map((rule) => ({
          ...rule,
          id: world.newId(),
        }));
        for (const rule of rules as (Json & { id: string })[]) {
          const group = groups.get(String(rule['security_group_id']));
          if (group) group['security_group_rules'] = [...(group['security_group_rules'] as Json[]), rule];
        }
        return ok({ security_group_rules: rules }, 201);
      },
    ],
    [
      'DELETE /security-group-rules/*',
      ([id = '']) => {
        for (const group of groups.values())
          group['security_group_rules'] = (group['security_group_rules'] as Thing[]).filter(
            (rule) => rule.id !== id,
          );
        return { status: 204, body: {} };
      },
    ],
  ];
}

const networkSample = (world: World): Json => world.sample('network', 'GET /v2.0/networks/{id} 200');

const plural = (name: string): string => `${name.replace('_', '-')}s`;
