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
};

const { port, gateSocket, windowManager, command } = JSON.parse(process.argv[2] ?? '{}') as Launch;

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
  spawn(manager, managerArguments, { stdio: 'ignore' }).on('error', () => process.exit(127));
  const [program, ...programArguments] = command;
  // What an application prints may name patients: nobody keeps it.
  const application = spawn(program, programArguments, { stdio: 'ignore' });
  application.on('error', () => process.exit(127));
  // The end of this process is the end of the sandbox and of everything in it.
  application.on('exit', (code, signal) => process.exit(code ?? (signal ? 128 : 0)));
});
