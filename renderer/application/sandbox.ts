import { fileURLToPath } from 'node:url';

/** What one application may see. Paths on the left are of the machine, the sandbox's own are fixed below. */
export type SandboxOptions = {
  /** The user it becomes; null = we are not root, and it runs as we do in a user namespace. */
  readonly uid: number | null;
  readonly homeFolder: string;
  readonly studyFolder: string | null;
  readonly passwdFile: string;
  readonly policyFile: string;
  readonly xauthorityFile: string;
  readonly xSocketFile: string;
  readonly displayName: string;
  readonly gateSocketFile: string;
  /** Bind the machine's GPU. */
  readonly hasGpu: boolean;
  readonly command: readonly [string, ...string[]];
  /** Whether the program is started only when the window manager is there, which costs some 50 ms. */
  readonly waitsForManager: boolean;
};

/** Places inside the sandbox. */
export const inside = {
  home: '/home/medusa',
  study: '/study',
  gateSocket: '/medusa/gate.sock',
  port: 8080,
  origin: 'http://127.0.0.1:8080',
} as const;

const launcherFile = fileURLToPath(new URL('sandbox/launcher.ts', import.meta.url));
const openboxFile = fileURLToPath(new URL('sandbox/openbox.xml', import.meta.url));
/** Made by name, because bubblewrap makes the parents of a mount for itself alone. */
const folders = [
  '/etc',
  '/etc/chromium',
  '/etc/chromium/policies',
  '/etc/chromium/policies/managed',
  '/home',
  '/medusa',
  '/var',
  '/var/cache',
];
/** What graphical programs read of /etc; the rest of it is not there. */
const etc = [
  'alternatives',
  'chromium.d',
  'fonts',
  'gtk-2.0',
  'gtk-3.0',
  'ld.so.cache',
  'pango',
  'xdg',
  'X11',
];

/**
 * The bubblewrap command for one application: no network but an empty loopback, own processes, IPC and host name, the
 * system read-only, no other files of the machine, no privileges and no way to get any. It tells its first process on
 * file descriptor 3 and ends with its parent.
 */
export function sandboxCommand(options: SandboxOptions): string[] {
  return [
    'bwrap',
    ...['--die-with-parent', '--new-session', '--clearenv', '--json-status-fd', '3', '--hostname', 'medusa'],
    ...['--unshare-net', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
    ...(options.uid === null ? ['--unshare-user'] : privilegesToDropThem),
    ...systemMounts(options.hasGpu),
    ...sessionMounts(options),
    ...environment(options),
    '--',
    ...(options.uid === null ? [] : dropPrivileges(options.uid)),
    // Threads count too: a browser has a few hundred.
    ...['/usr/bin/prlimit', '--nproc=2048:2048', '--core=0:0', '--nofile=16384:16384', '--'],
    ...['/medusa/node', '--disable-warning=ExperimentalWarning', '/medusa/launcher.ts', launchText(options)],
  ];
}

const privilegesToDropThem = ['CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP'].reduce(
  (flags, capability) => [...flags, '--cap-add', capability],
  ['--cap-drop', 'ALL'],
);

function dropPrivileges(uid: number): string[] {
  return [
    ...['/usr/bin/setpriv', '--reuid', `${uid}`, '--regid', `${uid}`, '--clear-groups'],
    ...['--inh-caps', '-all', '--bounding-set', '-all', '--no-new-privs', '--'],
  ];
}

function systemMounts(hasGpu: boolean): string[] {
  return [
    ...['--ro-bind', '/usr', '/usr', '--symlink', 'usr/bin', '/bin', '--symlink', 'usr/sbin', '/sbin'],
    ...['--symlink', 'usr/lib', '/lib', '--symlink', 'usr/lib64', '/lib64'],
    ...folders.flatMap((folder) => ['--dir', folder]),
    ...etc.flatMap((name) => ['--ro-bind-try', `/etc/${name}`, `/etc/${name}`]),
    ...['--ro-bind-try', '/var/cache/fontconfig', '/var/cache/fontconfig'],
    ...['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--chmod', '1777', '/tmp'],
    ...['--dir', '/tmp/.X11-unix', '--dir', '/run'],
    ...(hasGpu ? ['--dev-bind', '/dev/dri', '/dev/dri', '--ro-bind', '/sys', '/sys'] : []),
  ];
}

function sessionMounts(options: SandboxOptions): string[] {
  return [
    ...['--bind', options.homeFolder, inside.home],
    ...(options.studyFolder === null ? [] : ['--ro-bind', options.studyFolder, inside.study]),
    ...['--ro-bind', options.passwdFile, '/etc/passwd'],
    ...['--ro-bind', options.policyFile, '/etc/chromium/policies/managed/medusa.json'],
    ...['--ro-bind', options.xSocketFile, `/tmp/.X11-unix/X${options.displayName.slice(1)}`],
    ...['--ro-bind', options.xauthorityFile, '/medusa/xauthority'],
    ...['--ro-bind', options.gateSocketFile, inside.gateSocket],
    ...['--ro-bind', process.execPath, '/medusa/node'],
    ...['--ro-bind', launcherFile, '/medusa/launcher.ts'],
    ...['--ro-bind', openboxFile, '/medusa/openbox.xml'],
  ];
}

function environment({ displayName }: SandboxOptions): string[] {
  const values = {
    PATH: '/usr/bin:/bin',
    HOME: inside.home,
    USER: 'medusa',
    LANG: 'C.UTF-8',
    DISPLAY: displayName,
    XAUTHORITY: '/medusa/xauthority',
    NO_AT_BRIDGE: '1',
    // Shared memory with the X server is not possible from another IPC namespace; Qt and GTK would try.
    QT_X11_NO_MITSHM: '1',
  };
  return Object.entries(values).flatMap(([name, value]) => ['--setenv', name, value]);
}

function launchText({ command, waitsForManager }: SandboxOptions): string {
  const windowManager = ['/usr/bin/openbox', '--sm-disable', '--config-file', '/medusa/openbox.xml'];
  const { port, gateSocket } = inside;
  return JSON.stringify({ port, gateSocket, windowManager, command, waitsForManager });
}
