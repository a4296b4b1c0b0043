import type { Architecture, ProviderCatalog, ProviderQuota } from '@medusa/protocol';
import { z } from 'zod';
import { allPages, parsed } from './client.ts';
import type { Context } from './context.ts';

const architectures: Readonly<Record<string, Architecture>> = { x86_64: 'x64', arm64: 'arm64' };

/** EC2 User Guide, "Amazon EBS volume types": those that a volume may have today; magnetic ones are of the past. */
const volumeTypes = ['gp3', 'gp2', 'io2', 'io1', 'st1', 'sc1'];

export async function readCatalog(context: Context, signal: AbortSignal): Promise<ProviderCatalog> {
  const [images, sizes, zones, networks] = await Promise.all([
    readImages(context, signal),
    readSizes(context, signal),
    readZones(context, signal),
    readNetworks(context, signal),
  ]);
  return { images, sizes, zones, networks, volumeTypes };
}

async function readImages(
  { ec2, settings }: Context,
  signal: AbortSignal,
): Promise<ProviderCatalog['images']> {
  const images = await allPages(
    async (token) => {
      const answer = await ec2.read(
        async (api, options) =>
          api.describeImages(
            {
              Owners: ['self', ...settings.imageOwners],
              Filters: [
                { Name: 'state', Values: ['available'] },
                { Name: 'image-type', Values: ['machine'] },
              ],
              MaxResults: 1_000,
              ...token,
            },
            options,
          ),
        signal,
      );
      return { things: answer.Images ?? [], NextToken: answer.NextToken };
    },
    ({ ImageId }) => ImageId ?? '',
  );
  return images.flatMap(({ ImageId, Name, Architecture: architecture }) =>
    ImageId === undefined
      ? []
      : [{ id: ImageId, name: Name ?? ImageId, architecture: architectures[architecture ?? ''] ?? null }],
  );
}

async function readSizes({ ec2, settings }: Context, signal: AbortSignal): Promise<ProviderCatalog['sizes']> {
  const types = await allPages(
    async (token) => {
      const answer = await ec2.read(
        async (api, options) =>
          api.describeInstanceTypes(
            { Filters: [{ Name: 'instance-type', Values: settings.types }], MaxResults: 100, ...token },
            options,
          ),
        signal,
      );
      return { things: parsed(z.array(typeSchema), answer.InstanceTypes ?? []), NextToken: answer.NextToken };
    },
    ({ InstanceType }) => InstanceType,
  );
  return types.map(sizeOf);
}

const typeSchema = z.object({
  InstanceType: z.string(),
  VCpuInfo: z.object({ DefaultVCpus: z.int() }),
  MemoryInfo: z.object({ SizeInMiB: z.int() }),
  ProcessorInfo: z.object({ SupportedArchitectures: z.array(z.string()) }),
  InstanceStorageInfo: z.object({ TotalSizeInGB: z.number() }).optional(),
  GpuInfo: z
    .object({
      Gpus: z.array(z.object({ Name: z.string(), Manufacturer: z.string(), Count: z.int().default(1) })),
    })
    .optional(),
});

function sizeOf(type: z.infer<typeof typeSchema>): ProviderCatalog['sizes'][number] {
  const { InstanceType, VCpuInfo, MemoryInfo, GpuInfo, ProcessorInfo, InstanceStorageInfo } = type;
  const gpu = GpuInfo?.Gpus[0];
  const known = ProcessorInfo.SupportedArchitectures.flatMap((word) => architectures[word] ?? []);
  return {
    id: InstanceType,
    name: InstanceType,
    cpus: VCpuInfo.DefaultVCpus,
    memoryMiB: MemoryInfo.SizeInMiB,
    diskGiB: InstanceStorageInfo?.TotalSizeInGB ?? null,
    gpu: gpu ? { model: `${gpu.Manufacturer} ${gpu.Name}`, count: gpu.Count } : null,
    encoder: gpu?.Manufacturer === 'NVIDIA' ? 'nvenc' : null,
    architecture: known[0] ?? null,
  };
}

async function readZones({ ec2 }: Context, signal: AbortSignal): Promise<string[]> {
  const { AvailabilityZones } = await ec2.read(
    async (api, options) => api.describeAvailabilityZones({}, options),
    signal,
  );
  return (AvailabilityZones ?? []).flatMap(({ ZoneName, State }) =>
    ZoneName !== undefined && State === 'available' ? [ZoneName] : [],
  );
}

async function readNetworks(
  { ec2, settings }: Context,
  signal: AbortSignal,
): Promise<ProviderCatalog['networks']> {
  const subnets = await allPages(
    async (token) => {
      const answer = await ec2.read(
        async (api, options) =>
          api.describeSubnets({ Filters: [{ Name: 'vpc-id', Values: [settings.vpc] }], ...token }, options),
        signal,
      );
      return { things: answer.Subnets ?? [], NextToken: answer.NextToken };
    },
    ({ SubnetId }) => SubnetId ?? '',
  );
  return subnets.flatMap(({ SubnetId, CidrBlock, Tags, MapPublicIpOnLaunch }) => {
    const name = Tags?.find(({ Key }) => Key === 'Name')?.Value ?? CidrBlock ?? '';
    return SubnetId === undefined ? [] : [{ id: SubnetId, name, isExternal: MapPublicIpOnLaunch ?? false }];
  });
}

/** Also tells whether the credentials hold: it is the first call that needs them. */
export async function readQuotas({ ec2 }: Context, signal: AbortSignal): Promise<readonly ProviderQuota[]> {
  const { AccountAttributes } = await ec2.read(
    async (api, options) =>
      api.describeAccountAttributes({ AttributeNames: ['vpc-max-elastic-ips'] as never }, options),
    signal,
  );
  const { Addresses } = await ec2.read(async (api, options) => api.describeAddresses({}, options), signal);
  const limit = AccountAttributes?.find(({ AttributeName }) => AttributeName === 'vpc-max-elastic-ips');
  const value = Number(limit?.AttributeValues?.[0]?.AttributeValue ?? Number.NaN);
  return [
    {
      name: 'addresses',
      used: Addresses?.length ?? 0,
      limit: Number.isFinite(value) ? value : null,
      unit: '',
    },
  ];
}
