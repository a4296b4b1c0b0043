import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const dataDir = path.resolve(process.env.MEDUSA_DATA_DIR ?? path.join(root, '.medusa'));
const pidFile = path.join(dataDir, 'run/supervisor.json');

const running = () => {
  if (!existsSync(pidFile)) return undefined;
  const { pid, startTime } = JSON.parse(readFileSync(pidFile, 'utf8'));
  if (!existsSync(`/proc/${pid}/stat`)) return undefined;
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] === startTime ? pid : undefined;
};

const pid = running();
if (!pid) {
  process.stderr.write(`Medusa does not run on ${dataDir}\n`);
} else {
  process.kill(pid, 'SIGTERM');
  const deadline = Date.now() + 60_000;
  while (running() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 100));
  if (running()) {
    process.stderr.write(
      `Medusa (pid ${pid}) did not stop within a minute; its logs are in ${path.join(dataDir, 'logs')}\n`,
    );
    process.exitCode = 1;
  } else process.stderr.write('Medusa: stopped\n');
}
