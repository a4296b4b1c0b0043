import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Journal } from './journal.ts';
import { familyOf } from './rules.ts';

type Watched = {
  readonly addresses: () => Promise<Journal>;
  readonly move: (address: string, machine: string) => Promise<void>;
  readonly tell: (line: string) => void;
};

/** So many probes in a row without an answer are a failure, not a hiccup. */
const failuresToMove = 3;

/**
 * Asks each machine that has a floating address with successors, every `intervalMs`, and moves the address to the first of them
 * that answers when it does not any more. Runs until the process ends; a move is told as one JSON line.
 */
export async function watch({ addresses, move, tell }: Watched, intervalMs: number): Promise<never> {
  const failures = new Map<string, number>();
  for (;;) {
    const started = Date.now();
    const journal = await addresses();
    await Promise.all(
      journal.addresses.map(async (entry) => {
        if (entry.isRemoving || entry.assignedTo === null || entry.failover.length === 0) return;
        const answers = async (machine: string): Promise<boolean> =>
          isAnswering(insideOf(journal, machine, entry.address), entry.probePort, intervalMs);
        if (await answers(entry.assignedTo)) {
          failures.delete(entry.id);
          return;
        }
        const count = (failures.get(entry.id) ?? 0) + 1;
        failures.set(entry.id, count);
        if (count < failuresToMove) return;
        for (const successor of entry.failover.filter((machine) => machine !== entry.assignedTo)) {
          if (!(await answers(successor))) continue;
          await move(entry.id, successor);
          failures.delete(entry.id);
          tell(
            JSON.stringify({
              event: 'address.moved',
              address: entry.id,
              from: entry.assignedTo,
              to: successor,
            }),
          );
          return;
        }
      }),
    );
    await delay(Math.max(0, intervalMs - (Date.now() - started)));
  }
}

function insideOf({ ports }: Journal, machine: string, address: string): string | undefined {
  return ports
    .filter((port) => port.machine === machine && !port.isRemoving)
    .flatMap(({ addresses }) => addresses)
    .find((candidate) => familyOf(candidate) === familyOf(address));
}

/** A refused connection is an answer, too: the machine's network stack gave it. Port 9 is `discard` (RFC 863). */
async function isAnswering(
  address: string | undefined,
  port: number | null,
  timeoutMs: number,
): Promise<boolean> {
  if (address === undefined) return false;
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: port ?? 9, timeout: timeoutMs });
    const settle = (isAlive: boolean): void => {
      socket.destroy();
      resolve(isAlive);
    };
    socket.once('connect', () => settle(true));
    socket.once('timeout', () => settle(false));
    socket.once('error', (error: NodeJS.ErrnoException) =>
      settle(port === null && error.code === 'ECONNREFUSED'),
    );
  });
}
