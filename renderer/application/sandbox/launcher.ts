/**
 * Runs inside the sandbox, as the session's own user: starts the window manager and the application, and carries the
 * application's HTTP from the sandbox's loopback to the agent's gate, its only way out. Node's own modules only: nothing
 * else of ours is visible in here.
 */
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { homedir } from 'node:os';

type Launch = {
  readonly port: number;
  readonly gateSocket: string;
  readonly windowManager: readonly [string, ...string[]];
  readonly command: readonly [string, ...string[]];
  /** Whether the program needs the window manager from its first request on. */
  readonly waitsForManager: boolean;
};

/** A window manager that never says that it is ready is no reason to show nothing. */
const managerPatienceMs = 2_000;
const { port, gateSocket, windowManager, command, waitsForManager } = JSON.parse(
  process.argv[2] ?? '{}',
) as Launch;

const forwarder = createServer({ noDelay: true }, (near) => {
  const far = connect(gateSocket);
  near.pipe(far).pipe(near);
  near.on('error', () => far.destroy());
  far.on('error', () => near.destroy());
});

// Only the user itself may enter its home.
process.chdir(homedir());
forwarder.listen(port, '127.0.0.1', () => {
  const [manager, ...managerArguments] = windowManager;
  const ready = ['--startup', `/bin/sh -c "kill -USR2 ${process.pid}"`];
  spawn(manager, [...managerArguments, ...ready], { stdio: 'ignore' }).on('error', () => process.exit(127));
  // A request to show a window that comes while the window manager starts can be overheard, and the window is never seen.
  process.on('SIGUSR2', startApplication);
  setTimeout(startApplication, waitsForManager ? managerPatienceMs : 0).unref();
});

let isStarted = false;

function startApplication(): void {
  if (isStarted) return;
  isStarted = true;
  const [program, ...programArguments] = command;
  // What an application prints may name patients: nobody keeps it.
  const application = spawn(program, programArguments, { stdio: 'ignore' });
  application.on('error', () => process.exit(127));
  // The end of this process is the end of the sandbox and of everything in it.
  application.on('exit', (code, signal) => process.exit(code ?? (signal ? 128 : 0)));
}
