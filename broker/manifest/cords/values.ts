import type { Architecture } from '@medusa/protocol';

/** How a value stands in an attribute, and what it is in JSON. `read` answers undefined when it is none of its kind. */
export type Form = {
  /** For sentences: "… is not <what>". */
  readonly what: string;
  read(told: string): string | number | undefined;
  write(value: string | number): string;
};

const number = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;

export const forms = {
  text: { what: 'a text', read: (told) => told, write: String },
  /** One of a few words, whatever its case. */
  word: { what: 'a word', read: (told) => told.trim().toLowerCase(), write: String },
  number: {
    what: 'a number',
    read: (told) => (number.test(told.trim()) ? Number(told) : undefined),
    write: String,
  },
  gibibytes: { what: 'a size such as 8G or 512M', read: readGibibytes, write: writeGibibytes },
  gigahertz: {
    what: 'a speed such as 2.4G',
    read: (told) => readSize(told, { unit: 'hz', thousand: 1_000 }),
    write: (value) => `${value}G`,
  },
  architecture: { what: 'an architecture such as x64 or arm64', read: readArchitecture, write: String },
} as const satisfies Record<string, Form>;

const size = /^(\d+(?:\.\d*)?|\.\d+)\s*([kmgt]?)(i?)(b|hz)?$/;
const power: Readonly<Record<string, number>> = { k: -2, m: -1, g: 0, t: 1 };

/** In G. A number alone is in the unit of OCCI's attribute (GFD.224 §3.1.1, §3.1.3: GiB, GHz). */
function readSize(told: string, { unit, thousand }: { unit: string; thousand: number }): number | undefined {
  const [, amount = '', prefix = '', , suffix] = size.exec(told.trim().toLowerCase()) ?? [];
  if (amount === '' || (suffix !== undefined && suffix !== unit)) return undefined;
  const steps = power[prefix === '' ? 'g' : prefix] ?? 0;
  return steps < 0 ? Number(amount) / thousand ** -steps : Number(amount) * thousand ** steps;
}

function readGibibytes(told: string): number | undefined {
  return readSize(told, { unit: 'b', thousand: 1_024 });
}

function writeGibibytes(value: string | number): string {
  const mebibytes = Number(value) * 1_024;
  return !Number.isInteger(value) && Number.isInteger(mebibytes) ? `${mebibytes}M` : `${value}G`;
}

/** `x86` stands for "a PC" in documents of ACCORDS; nothing we run on is a 32-bit one. */
const architectures: Readonly<Record<string, Architecture>> = {
  x86: 'x64',
  x64: 'x64',
  x86_64: 'x64',
  'x86-64': 'x64',
  amd64: 'x64',
  arm64: 'arm64',
  aarch64: 'arm64',
  riscv64: 'riscv64',
};

function readArchitecture(told: string): Architecture | undefined {
  return architectures[told.trim().toLowerCase()];
}
