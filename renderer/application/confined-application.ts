import { chown, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { TypedEmitter } from '@medusa/kernel';
import type { Application } from '@medusa/protocol';
import type { VirtualDisplay } from '../display/index.ts';
import { ConfinedProcess } from './confined-process.ts';
import type { Confinement } from './confinement.ts';
import { kioskCommand, kioskPolicy } from './kiosk.ts';
import { MemoryLimit } from './memory-limit.ts';
import { inside, sandboxCommand } from './sandbox.ts';

export type ConfinedApplicationOptions = {
  readonly application: Application;
  readonly studyInstanceUID: string;
  readonly display: VirtualDisplay;
  readonly confinement: Confinement;
  /** Of the control group that limits its memory. */
  readonly controlGroup: string;
  readonly uid: number | null;
  /** Private folder of the session. */
  readonly folder: string;
  readonly gateSocketFile: string;
  /** The study's files, when the application reads files. */
  readonly files: { readonly folder: string; readonly firstName: string } | null;
  readonly chromium: string;
  readonly rendering: 'cpu' | 'webgl';
  readonly hasGpu: boolean;
  readonly report: (error: unknown) => void;
};

/** Our own pages keep no state that a second start would lose; an X11 program's window would come back empty. */
const mostRestarts = { workstation: 1, slides: 1, x11: 0 } as const;

/** The application of a session in its sandbox, supervised. */
export class ConfinedApplication implements AsyncDisposable {
  readonly events: TypedEmitter<{
    restarted: [];
    /** It ended by itself, and is not started again. `output` is what the sandbox, not the application, had to say. */
    ended: [exitCode: number, output: string];
  }>;
  readonly #command: readonly string[];
  readonly #resources: AsyncDisposableStack;
  #process: ConfinedProcess;
  #restartsLeft: number;
  #isClosed = false;

  static async start(options: ConfinedApplicationOptions): Promise<ConfinedApplication> {
    await using starting = new AsyncDisposableStack();
    const { confinement, application, controlGroup, display } = options;
    const files = await writeSandboxFiles(options);
    const limit = confinement.memory
      ? starting.use(
          await MemoryLimit.create(confinement.memory, controlGroup, application.resources.memoryMiB),
        )
      : undefined;
    const sandbox = sandboxCommand({
      ...options,
      ...files,
      studyFolder: options.files?.folder ?? null,
      xauthorityFile: display.xauthorityFile,
      xSocketFile: display.socketFile,
      displayName: display.address.displayName,
      command: applicationCommand(options),
      waitsForManager: application.kind === 'x11',
    });
    return new ConfinedApplication([...(limit?.wrapper ?? []), ...sandbox], options, starting.move());
  }

  private constructor(
    command: readonly string[],
    options: ConfinedApplicationOptions,
    resources: AsyncDisposableStack,
  ) {
    this.#command = command;
    this.#resources = resources;
    this.#restartsLeft = mostRestarts[options.application.kind];
    this.events = new TypedEmitter(options.report);
    this.#process = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#process.kill();
    await this.#resources.disposeAsync();
  }

  #run(): ConfinedProcess {
    const run = new ConfinedProcess(this.#command);
    void run.exited.then((exitCode) => {
      if (this.#isClosed) return;
      if (this.#restartsLeft === 0) {
        this.events.emit('ended', exitCode, run.output);
        return;
      }
      this.#restartsLeft -= 1;
      this.#process = this.#run();
      this.events.emit('restarted');
    });
    return run;
  }
}

async function writeSandboxFiles({
  folder,
  uid,
}: ConfinedApplicationOptions): Promise<{ homeFolder: string; passwdFile: string; policyFile: string }> {
  const homeFolder = path.join(folder, 'home');
  const passwdFile = path.join(folder, 'passwd');
  const policyFile = path.join(folder, 'policy.json');
  await mkdir(homeFolder, { mode: 0o700 });
  if (uid !== null) await chown(homeFolder, uid, uid);
  const id = uid ?? process.getuid?.() ?? 0;
  await writeFile(passwdFile, `medusa:x:${id}:${id}::${inside.home}:/usr/sbin/nologin\n`, { mode: 0o644 });
  await writeFile(policyFile, JSON.stringify(kioskPolicy), { mode: 0o644 });
  return { homeFolder, passwdFile, policyFile };
}

function applicationCommand(options: ConfinedApplicationOptions): [string, ...string[]] {
  const { application, display, confinement } = options;
  const { widthPx, heightPx } = display.size;
  const { kind } = application;
  const { hasBrowserSandbox } = confinement;
  if (kind !== 'x11') return kioskCommand({ ...options, page: kind, widthPx, heightPx, hasBrowserSandbox });
  const values: Readonly<Record<string, string>> = {
    studyDir: inside.study,
    firstFile: options.files ? `${inside.study}/${options.files.firstName}` : '',
    width: `${widthPx}`,
    height: `${heightPx}`,
  };
  const [program = '', ...rest] = application.command.map((word) =>
    word.replaceAll(/\{(studyDir|firstFile|width|height)\}/g, (_, name: string) => values[name] ?? ''),
  );
  return [program, ...rest];
}
