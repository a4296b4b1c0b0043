import { parseArgs } from 'node:util';
import { z } from 'zod';
import { sceneNames } from './content/scenes.ts';
import { linkNames } from './relay/links.ts';
import type { Size } from './content/gray.ts';

export const peerNames = ['novnc', 'xpra'] as const;

const optionsSchema = z.object({
  scene: z.array(z.enum(sceneNames)).min(1),
  size: z.array(
    z
      .string()
      .regex(/^\d+x\d+$/, 'a size is WIDTHxHEIGHT')
      .transform((text): Size => {
        const [width = 0, height = 0] = text.split('x').map(Number);
        return { width, height };
      }),
  ),
  peers: z
    .string()
    .transform((text) => text.split(',').filter((name) => name !== '' && name !== 'none'))
    .pipe(z.array(z.enum(peerNames))),
  link: z.array(z.enum(linkNames)).min(1),
  rounds: z.coerce.number().int().positive(),
  presses: z.coerce.number().int().positive(),
  seed: z.coerce.number().int(),
});
export type Options = z.infer<typeof optionsSchema>;

/** `--scene`, `--size` and `--link` may be given several times, or with commas. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scene: { type: 'string', multiple: true, default: ['static', 'ct30', 'ct30soft', 'ct60', 'volume'] },
      size: { type: 'string', multiple: true, default: ['1280x720', '1920x1080'] },
      link: { type: 'string', multiple: true, default: ['cable'] },
      peers: { type: 'string', default: peerNames.join(',') },
      rounds: { type: 'string', default: '3' },
      presses: { type: 'string', default: '40' },
      seed: { type: 'string', default: '1' },
    },
  });
  const split = (given: readonly string[]): string[] => given.flatMap((text) => text.split(','));
  const parsed = optionsSchema.safeParse({
    ...values,
    scene: split(values.scene),
    size: split(values.size),
    link: split(values.link),
  });
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
  return parsed.data;
}
