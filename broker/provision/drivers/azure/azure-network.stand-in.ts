import { removeInterface } from './azure-compute.stand-in.ts';
import {
  answers,
  ArmError,
  givenSubnet,
  type AzureWorld,
  type Json,
  type Stored,
} from './azure-world.stand-in.ts';

type Put = (world: AzureWorld, id: string, body: Json & { properties: Json }) => Stored;
type Delete = (world: AzureWorld, stored: Stored) => void;

const interfaces = 'Microsoft.Network/networkInterfaces';
type Configuration = {
  name: string;
  properties: { subnet: { id: string }; publicIPAddress?: { id: string } | null; privateIPAddress?: string };
};

/** Filled into the documented answer of that kind. */
const simple =
  (
    kind: string,
    fill: (world: AzureWorld, body: Json & { properties: Json }) => Json = (_, { properties }) => properties,
  ): Put =>
  (world, id, body) => {
    const before = world.find(id);
    const properties = { ...answers[kind]?.properties, ...before?.body.properties, ...fill(world, body) };
    return world.store(id, { ...body, properties });
  };

export const networkPuts: Readonly<Record<string, Put>> = {
  'Microsoft.Network/virtualNetworks': simple('virtualNetwork'),
  'Microsoft.Network/applicationSecurityGroups': simple('none', () => ({ provisioningState: 'Succeeded' })),
  'Microsoft.Network/publicIPAddresses': simple('publicIPAddress', (world, { properties }) => ({
    ...properties,
    ipAddress: `203.0.113.${world.number() % 256}`,
  })),
  'Microsoft.Network/networkSecurityGroups': simple('networkSecurityGroup', (world, { properties }) => {
    const rules = properties['securityRules'] as { properties: Json }[];
    const places = rules.map(
      ({ properties: rule }) => `${String(rule['direction'])} ${String(rule['priority'])}`,
    );
    if (new Set(places).size !== places.length)
      throw new ArmError(400, 'SecurityRuleConflict', 'Rules have the same Priority and Direction.');
    for (const { properties: rule } of rules)
      for (const end of ['source', 'destination'])
        for (const { id } of (rule[`${end}ApplicationSecurityGroups`] ?? []) as { id: string }[])
          world.need(id);
    return properties;
  }),
  [interfaces]: putInterface,
};

function putInterface(world: AzureWorld, id: string, body: Json & { properties: Json }): Stored {
  const configurations = body.properties['ipConfigurations'] as Configuration[];
  const groupId = (body.properties['networkSecurityGroup'] as { id: string } | undefined)?.id;
  if (groupId !== undefined) world.need(groupId);
  for (const { properties } of configurations) checkConfiguration(world, id, properties);
  giveAddresses(world, `${id}/ipConfigurations/`, configurations);
  const ipConfigurations = configurations.map((one) => ({
    ...one,
    id: `${id}/ipConfigurations/${one.name}`,
    properties: { privateIPAddress: `172.20.2.${4 + (world.number() % 250)}`, ...one.properties },
  }));
  const properties = {
    ...answers['networkInterface']?.properties,
    ...world.find(id)?.body.properties,
    ...body.properties,
    ipConfigurations,
  };
  return world.store(id, { ...body, properties });
}

function giveAddresses(world: AzureWorld, mine: string, configurations: readonly Configuration[]): void {
  for (const { body } of world.all('Microsoft.Network/publicIPAddresses')) {
    const used = body.properties['ipConfiguration'] as { id: string } | undefined;
    if (used?.id.startsWith(mine)) delete body.properties['ipConfiguration'];
  }
  for (const { name, properties } of configurations)
    if (properties.publicIPAddress)
      world.need(properties.publicIPAddress.id).body.properties['ipConfiguration'] = { id: mine + name };
}

function checkConfiguration(
  world: AzureWorld,
  id: string,
  { subnet, publicIPAddress }: Configuration['properties'],
): void {
  if (subnet.id !== givenSubnet) world.need(subnet.id.split('/subnets/')[0] ?? '');
  if (!publicIPAddress) return;
  const used = world.need(publicIPAddress.id).body.properties['ipConfiguration'] as
    { id: string } | undefined;
  if (used && !used.id.startsWith(`${id}/`))
    throw new ArmError(
      400,
      'PublicIPAddressInUse',
      `Resource ${id} is referencing public IP address that is already allocated.`,
    );
}

const isInterfaceWith = (world: AzureWorld, test: (text: string) => boolean): boolean =>
  world.all(interfaces).some(({ body }) => test(JSON.stringify(body.properties).toLowerCase()));

export const networkDeletes: Readonly<Record<string, Delete>> = {
  'Microsoft.Network/virtualNetworks'(world, stored) {
    if (isInterfaceWith(world, (text) => text.includes(`${stored.id.toLowerCase()}/subnets/`)))
      throw new ArmError(
        400,
        'InUseSubnetCannotBeDeleted',
        'Subnet machines is in use and cannot be deleted.',
      );
    world.remove(stored);
  },
  'Microsoft.Network/applicationSecurityGroups'(world, stored) {
    const isUsed = world
      .all('Microsoft.Network/networkSecurityGroups')
      .some(({ body }) => JSON.stringify(body).toLowerCase().includes(`"${stored.id.toLowerCase()}"`));
    if (isUsed || isInterfaceWith(world, (text) => text.includes(`"${stored.id.toLowerCase()}"`)))
      throw new ArmError(400, 'InUseApplicationSecurityGroupCannotBeDeleted', 'It is in use.');
    world.remove(stored);
  },
  'Microsoft.Network/networkSecurityGroups'(world, stored) {
    if (isInterfaceWith(world, (text) => text.includes(`"${stored.id.toLowerCase()}"`)))
      throw new ArmError(400, 'InUseNetworkSecurityGroupCannotBeDeleted', 'It is in use.');
    world.remove(stored);
  },
  'Microsoft.Network/publicIPAddresses'(world, stored) {
    if (stored.body.properties['ipConfiguration'] !== undefined)
      throw new ArmError(400, 'PublicIPAddressCannotBeDeleted', 'It is still allocated.');
    world.remove(stored);
  },
  [interfaces](world, stored) {
    if (stored.body.properties['virtualMachine'] !== undefined)
      throw new ArmError(400, 'NicInUse', `Network Interface ${stored.name} is used by existing resource.`);
    removeInterface(world, stored);
  },
};
