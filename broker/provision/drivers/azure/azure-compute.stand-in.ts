import { answers, ArmError, group, type AzureWorld, type Json, type Stored } from './azure-world.stand-in.ts';

type Put = (world: AzureWorld, id: string, body: Json & { properties: Json }) => Stored;

export const virtualMachines = 'Microsoft.Compute/virtualMachines';
export const disks = 'Microsoft.Compute/disks';

type Machine = {
  hardwareProfile: { vmSize: string };
  storageProfile: { osDisk: { name: string; deleteOption: string }; imageReference: Json };
  networkProfile: { networkInterfaces: { id: string; properties: { deleteOption: string } }[] };
  osProfile: { linuxConfiguration: { ssh: { publicKeys: { keyData: string }[] } } };
};

export const putVirtualMachine: Put = (world, id, body) => {
  const wanted = body.properties as unknown as Machine;
  const size = wanted.hardwareProfile.vmSize;
  const sku = answers.skus.find(
    ({ name, resourceType }) => name === size && resourceType === 'virtualMachines',
  );
  if (!sku)
    throw new ArmError(400, 'InvalidParameter', `The value ${size} provided for the VM size is not valid.`);
  if (((sku['restrictions'] ?? []) as unknown[]).length > 0)
    throw new ArmError(
      409,
      'SkuNotAvailable',
      `The requested VM size ${size} is currently not available in westus.`,
    );
  if (wanted.storageProfile.imageReference['publisher'] === 'nobody')
    throw new ArmError(404, 'PlatformImageNotFound', 'The platform image is not available.');
  const nics = wanted.networkProfile.networkInterfaces.map(({ id: nicId }) => world.need(nicId));
  const before = world.find(id);
  if (before?.body.properties['provisioningState'] === 'Deleting')
    throw new ArmError(409, 'OperationNotAllowed', 'The virtual machine is being deleted.');
  if (before) return before;
  for (const nic of nics) nic.body.properties['virtualMachine'] = { id };
  const stored = world.store(id, {
    ...body,
    properties: {
      ...answers['virtualMachine']?.properties,
      ...body.properties,
      timeCreated: new Date().toISOString(),
    },
  });
  const { failProvisioning } = world;
  world.failProvisioning = null;
  world.later(stored, () => {
    const { properties } = stored.body;
    properties['provisioningState'] = failProvisioning ? 'Failed' : 'Succeeded';
    properties['instanceView'] = {
      statuses: failProvisioning
        ? [
            {
              code: `ProvisioningState/failed/${failProvisioning.code}`,
              level: 'Error',
              message: failProvisioning.message,
            },
          ]
        : structuredClone(answers.statuses),
    };
  });
  const diskId = `${group}/${disks}/${wanted.storageProfile.osDisk.name}`;
  world.store(diskId, {
    location: 'westus',
    managedBy: id,
    properties: { provisioningState: 'Succeeded', diskSizeGB: 30 },
  });
  return stored;
};

function setPower(stored: Stored, word: string, more: Json[] = []): void {
  const statuses = [
    { code: 'ProvisioningState/succeeded', level: 'Info' },
    { code: `PowerState/${word}`, level: 'Info' },
  ];
  stored.body.properties['instanceView'] = { statuses: [...statuses, ...more] };
}

/** The actions of a machine, by their name in the URL. */
export const machineActions: Readonly<
  Record<
    string,
    (world: AzureWorld, stored: Stored, input: { body: Json; query: URLSearchParams }) => Json | undefined
  >
> = {
  start(world, stored) {
    setPower(stored, 'starting');
    world.later(stored, () => setPower(stored, 'running'));
    return undefined;
  },
  deallocate(world, stored, { query }) {
    const isHibernation = query.get('hibernate') === 'true';
    const { additionalCapabilities } = stored.body.properties as {
      additionalCapabilities?: { hibernationEnabled?: boolean };
    };
    if (isHibernation && additionalCapabilities?.hibernationEnabled !== true)
      throw new ArmError(
        409,
        'OperationNotAllowed',
        'The operation is not allowed: hibernation is not enabled.',
      );
    setPower(stored, 'deallocating');
    const hibernated = isHibernation ? [{ code: 'HibernationState/Hibernated', level: 'Info' }] : [];
    world.later(stored, () => setPower(stored, 'deallocated', hibernated));
    return undefined;
  },
  restart: () => undefined,
  retrieveBootDiagnosticsData: () => ({
    consoleScreenshotBlobUri: 'https://md-1.blob.example.net/screenshot.bmp?sig=x',
    serialConsoleLogBlobUri: 'https://md-1.blob.example.net/serialconsole.log?sig=x',
  }),
  attachDetachDataDisks(world, stored, { body }) {
    const of = (list: string): string[] =>
      ((body[list] ?? []) as { diskId: string }[]).map(({ diskId }) => diskId);
    for (const id of of('dataDisksToAttach')) {
      const disk = world.need(id);
      if (disk.body['managedBy'] !== undefined)
        throw new ArmError(409, 'OperationNotAllowed', `Disk ${id} is attached to another VM.`);
      disk.body['managedBy'] = stored.id;
    }
    for (const id of of('dataDisksToDetach')) {
      const disk = world.need(id);
      world.later(disk, () => delete disk.body['managedBy']);
    }
    return { dataDisks: [] };
  },
};

export function deleteVirtualMachine(world: AzureWorld, stored: Stored): void {
  const { storageProfile, networkProfile } = stored.body.properties as unknown as Machine;
  stored.body.properties['provisioningState'] = 'Deleting';
  world.later(stored, () => {
    world.remove(stored);
    for (const disk of world.all(disks))
      if (disk.body['managedBy'] === stored.id) delete disk.body['managedBy'];
    const osDisk = world.find(`${group}/${disks}/${storageProfile.osDisk.name}`);
    if (osDisk && storageProfile.osDisk.deleteOption === 'Delete') world.remove(osDisk);
    for (const { id, properties } of networkProfile.networkInterfaces) {
      const nic = world.find(id);
      if (nic) delete nic.body.properties['virtualMachine'];
      if (nic && properties.deleteOption === 'Delete') removeInterface(world, nic);
    }
  });
}

export function removeInterface(world: AzureWorld, nic: Stored): void {
  world.remove(nic);
  for (const address of world.all('Microsoft.Network/publicIPAddresses')) {
    const configuration = address.body.properties['ipConfiguration'] as { id: string } | undefined;
    if (configuration?.id.startsWith(`${nic.id}/`)) delete address.body.properties['ipConfiguration'];
  }
}

export const putDisk: Put = (world, id, body) => {
  const { creationData } = body.properties as {
    creationData: { createOption: string; sourceResourceId?: string };
  };
  const source =
    creationData.sourceResourceId === undefined ? undefined : world.need(creationData.sourceResourceId);
  if (creationData.createOption === 'Copy' && !source)
    throw new ArmError(400, 'InvalidParameter', 'Required parameter sourceResourceId is missing.');
  const diskSizeGB = body.properties['diskSizeGB'] ?? source?.body.properties['diskSizeGB'];
  const properties: Json = {
    ...body.properties,
    diskSizeGB,
    diskState: 'Unattached',
    timeCreated: new Date().toISOString(),
    provisioningState: 'Creating',
  };
  const stored = world.find(id) ?? world.store(id, { ...body, properties });
  world.later(stored, () => (stored.body.properties['provisioningState'] = 'Succeeded'));
  return stored;
};

export function deleteDisk(world: AzureWorld, stored: Stored): void {
  if (stored.body['managedBy'] !== undefined)
    throw new ArmError(409, 'OperationNotAllowed', `Disk ${stored.name} is attached to VM.`);
  stored.body.properties['provisioningState'] = 'Deleting';
  world.later(stored, () => world.remove(stored));
}
