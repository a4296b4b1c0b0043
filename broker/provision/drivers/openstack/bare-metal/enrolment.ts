import { z } from 'zod';
import type { Service } from '../cloud.ts';
import type { BareMetalNode } from '../settings.ts';
import { nodeSchema, type IronicNode } from './ironic.ts';

const portSchema = z.object({ address: z.string() });

/** Where a node goes from each of Ironic's states on its way to its first tenant: enrolled, checked, cleaned, available. */
const next: Readonly<Record<string, string>> = { enroll: 'manage', manageable: 'provide' };

/**
 * Takes the configured nodes one step further and does not wait: checking takes seconds and cleaning hours. Asked again it goes on
 * where they are. Ironic's names are unique, so that a node is never enrolled twice.
 */
export async function advanceNodes(
  ironic: Service,
  {
    nodes,
    secrets,
  }: {
    readonly nodes: readonly BareMetalNode[];
    readonly secrets: Readonly<Record<string, Readonly<Record<string, string>>>>;
  },
  signal: AbortSignal,
): Promise<void> {
  for (const wanted of nodes) {
    const known = await ironic.find(`/nodes/${wanted.name}`, nodeSchema, signal);
    const node = known ?? (await enrol(ironic, wanted, { secret: secrets[wanted.name] ?? {}, signal }));
    const target = next[node.provision_state ?? ''];
    // Ironic gives no node away whose power it has never known.
    if (node.provision_state === 'available' && node.power_state == null)
      await ironic.tell({
        method: 'PUT',
        path: `/nodes/${node.uuid}/states/power`,
        body: { target: 'power off' },
        signal,
      });
    if (target === undefined || node.maintenance) continue;
    if (target === 'manage') await addPorts(ironic, { node, macs: wanted.macs }, signal);
    const path = `/nodes/${node.uuid}/states/provision`;
    await ironic.tell({ method: 'PUT', path, body: { target }, signal });
  }
}

async function enrol(
  ironic: Service,
  wanted: BareMetalNode,
  { secret, signal }: { secret: Readonly<Record<string, string>>; signal: AbortSignal },
): Promise<IronicNode> {
  const body = {
    name: wanted.name,
    driver: wanted.driver,
    resource_class: wanted.resourceClass,
    driver_info: { ...wanted.driverInfo, ...secret },
    properties: wanted.properties,
    // Patients' data must not be there any more when the next one comes.
    automated_clean: true,
  };
  return ironic.ask({ method: 'POST', path: '/nodes', body, signal }, nodeSchema);
}

async function addPorts(
  ironic: Service,
  { node, macs }: { node: IronicNode; macs: readonly string[] },
  signal: AbortSignal,
): Promise<void> {
  const { ports } = await ironic.ask(
    { method: 'GET', path: `/nodes/${node.uuid}/ports`, signal },
    z.object({ ports: z.array(portSchema) }),
  );
  for (const address of macs.map((mac) => mac.toLowerCase()))
    if (!ports.some((port) => port.address === address))
      await ironic.tell({ method: 'POST', path: '/ports', body: { node_uuid: node.uuid, address }, signal });
}
