import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import type { Architecture } from '@medusa/protocol';
import { z } from 'zod';
import {
  isProviderFault,
  ProviderError,
  tagOf,
  type Image,
  type ImagePort,
  type Operation,
} from '../../port/index.ts';
import { changed, found, parsed, raced, told, type Engine } from './client.ts';
import type { DockerSettings } from './settings.ts';

/** Docker Engine API, `ImageSummary` and `ImageInspect`. */
const summarySchema = z.object({ RepoTags: z.array(z.string()).nullish() });
const imageSchema = z.object({ Architecture: z.string(), Created: z.string().nullish() });

/** One line of what a load or an import tells. */
const progressSchema = z.object({ stream: z.string().optional(), error: z.string().optional() });

/** Go's names of architectures. */
const architectures: Readonly<Record<Architecture, string>> = {
  x64: 'amd64',
  arm64: 'arm64',
  riscv64: 'riscv64',
};

const repository = 'localhost/medusa';
const refPattern = /^localhost\/medusa\/([a-z0-9-]+):([a-z0-9]+)$/;

/** An image carries no marks that came later than its content: name and content's hash are its repository and tag. */
export function dockerImages(engine: Engine, settings: DockerSettings): ImagePort {
  const uploads = new Map<string, Promise<void>>();

  const get = async (ref: string, signal: AbortSignal): Promise<Image | undefined> => {
    const [, name = '', contentHash = ''] = refPattern.exec(ref) ?? [];
    const tag = tagOf('image', name);
    if (!tag) return undefined;
    const answer = await found(async () => raced(signal, async () => engine.getImage(ref).inspect()));
    if (answer === undefined) return undefined;
    const { Architecture: goName, Created } = parsed(imageSchema, answer);
    const architecture = Object.entries(architectures).find(([, known]) => known === goName)?.[0] ?? null;
    return {
      ref,
      name,
      tag,
      state: 'running',
      detail: '',
      createdAt: Created ? new Date(Created) : null,
      architecture,
      contentHash,
    };
  };

  async function list(owner: string, signal: AbortSignal): Promise<readonly Image[]> {
    const ours = (await repoTags(engine, signal)).filter((ref) => refPattern.test(ref));
    const images = await Promise.all(ours.map(async (ref) => get(ref, signal)));
    return images.filter((image) => image !== undefined).filter(({ tag }) => tag.owner === owner);
  }

  async function load(file: string, ref: string, operation: Operation): Promise<void> {
    const stream = await told(true, async () =>
      engine.loadImage(createReadStream(file), { abortSignal: operation.signal }),
    );
    const text = await readAll(engine, stream);
    const [, loaded] = /Loaded image(?:\(s\))?(?: ID)?: (\S+)/.exec(text) ?? [];
    if (loaded === undefined) throw new ProviderError('invalid', 'Docker found no image in the file');
    await tagged(loaded, ref, operation);
  }

  async function tagged(loaded: string, ref: string, operation: Operation): Promise<void> {
    const [repo = '', tag = ''] = ref.split(':');
    await changed(async () => engine.getImage(loaded).tag({ repo, tag, abortSignal: operation.signal }));
  }

  /** The reference as a whole: Podman does not read the tag beside it. */
  async function importRootfs(file: string, ref: string, operation: Operation): Promise<void> {
    const changes = `CMD ${JSON.stringify(settings.initCommand)}`;
    const stream = await told(true, async () =>
      engine.importImage(createReadStream(file), { repo: ref, changes, abortSignal: operation.signal }),
    );
    await readAll(engine, stream);
  }

  return {
    formats: ['oci-tar', 'rootfs-tar'],
    get,
    list,

    async create({ format, file, contentHash }, tag, name, operation) {
      const other = (await list(tag.owner, operation.signal)).find((image) => image.name === name);
      if (other && other.contentHash !== contentHash)
        throw new ProviderError('conflict', `The image ${name} has another content`);
      const ref = `${repository}/${name}:${contentHash}`;
      if (!refPattern.test(ref)) throw new ProviderError('invalid', `${contentHash} is no hash`);
      if (!other) {
        await access(file).catch((cause: unknown) => {
          throw new ProviderError('invalid', `${file} cannot be read`, { cause });
        });
        // An import that runs twice would leave the first one's layers without a name.
        const upload =
          uploads.get(ref) ??
          (format === 'oci-tar' ? load(file, ref, operation) : importRootfs(file, ref, operation));
        uploads.set(ref, upload);
        await upload.finally(() => uploads.delete(ref));
      }
      const made = await get(ref, operation.signal);
      if (!made) throw new ProviderError('transient', `The image ${ref} is gone already`);
      return made;
    },

    async destroy(ref, { signal }) {
      if (!(await get(ref, signal))) return;
      await changed(async () => engine.getImage(ref).remove({ abortSignal: signal })).catch(
        (error: unknown) => {
          if (!isProviderFault(error, 'not-found')) throw error;
        },
      );
    },
  };
}

/** Every name by which an image can be asked for. */
export async function repoTags(engine: Engine, signal: AbortSignal): Promise<readonly string[]> {
  const answers = await told(false, async () => engine.listImages({ abortSignal: signal }));
  return parsed(z.array(summarySchema), answers)
    .flatMap(({ RepoTags }) => RepoTags ?? [])
    .filter((name) => !name.startsWith('<none>'));
}

/** Docker answers 200 and tells of a failure in the last of its lines. */
async function readAll(engine: Engine, stream: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve, reject) => {
    engine.modem.followProgress(stream, (error, lines: unknown[] | null) => {
      if (error) {
        reject(new ProviderError('unknown-outcome', `Docker: ${error.message}`, { cause: error }));
        return;
      }
      const told = (lines ?? []).map((line) => progressSchema.safeParse(line).data ?? {});
      const failure = told.find((line) => line.error !== undefined)?.error;
      if (failure === undefined) resolve(told.map((line) => line.stream ?? '').join(''));
      else reject(new ProviderError('invalid', `Docker: ${failure}`));
    });
  });
}
