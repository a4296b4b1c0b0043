import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { filesOf, severalHostsSchema } from './availability/several-hosts.ts';

const usage = `Several storage nodes behind one address (docs/high-availability.md).

  node infra/storage/several-hosts.ts HOSTS.json --out FOLDER

writes FOLDER/<node>/{haproxy.cfg,keepalived.conf,node.env} for each host.
`;

const { positionals, values } = parseArgs({ allowPositionals: true, options: { out: { type: 'string' } } });
const [path] = positionals;
if (path === undefined || values.out === undefined) {
  process.stderr.write(usage);
  process.exit(2);
}
const hosts = severalHostsSchema.parse(JSON.parse(await readFile(path, 'utf8')));
for (const node of hosts.nodes) {
  const folder = join(values.out, node.nodeId);
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(filesOf(hosts, node))) await writeFile(join(folder, name), text);
}
