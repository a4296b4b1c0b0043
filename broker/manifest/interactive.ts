/**
 * Why a line for a guest's shell would wait for a person, or undefined. Applications are installed and started without anybody at a
 * keyboard; this knows the usual ways to need one. It reads words, it is no shell.
 */
export function whyInteractive(command: string): string | undefined {
  for (const words of simpleCommands(command)) {
    const why = whyOf(words);
    if (why !== undefined) return why;
  }
  return undefined;
}

type Rule = {
  readonly programs: readonly string[];
  readonly asks: (words: readonly string[], settings: readonly string[]) => boolean;
  readonly why: string;
};

const has = (words: readonly string[], ...flags: readonly string[]): boolean =>
  words.some((word) => flags.includes(word) || flags.some((flag) => isInCluster(word, flag)));
/** `-qy` has `-y`. */
const isInCluster = (word: string, flag: string): boolean =>
  /^-[A-Za-z]$/.test(flag) && /^-[A-Za-z]+$/.test(word) && word.includes(flag.charAt(1));
const changes = [
  'install',
  'remove',
  'purge',
  'upgrade',
  'dist-upgrade',
  'full-upgrade',
  'autoremove',
  'erase',
  'update',
];
const always = (): boolean => true;

const rules: readonly Rule[] = [
  {
    programs: ['apt', 'apt-get', 'aptitude'],
    asks: (words) => {
      const asked = words.find((word) => changes.includes(word));
      return asked !== undefined && asked !== 'update' && !has(words, '-y', '--yes', '--assume-yes');
    },
    why: 'asks before it changes packages: add -y',
  },
  {
    programs: ['yum', 'dnf', 'zypper'],
    asks: (words) =>
      words.some((word) => changes.includes(word)) &&
      !has(words, '-y', '--assumeyes', '-n', '--non-interactive'),
    why: 'asks before it changes packages: add -y',
  },
  {
    programs: ['dpkg-reconfigure'],
    asks: (words, settings) =>
      !words.some((word) => word.includes('noninteractive')) &&
      !settings.includes('DEBIAN_FRONTEND=noninteractive'),
    why: 'asks questions: add -f noninteractive',
  },
  {
    programs: ['vi', 'vim', 'nano', 'emacs', 'ed', 'visudo', 'less', 'more', 'man', 'top', 'htop'],
    asks: (words) => !has(words, '--batch', '-b'),
    why: 'is for a person at a terminal',
  },
  {
    programs: ['passwd', 'dialog', 'whiptail', 'zenity', 'kdialog', 'select'],
    asks: always,
    why: 'asks a person',
  },
  { programs: ['read'], asks: (words) => !words.includes('<'), why: 'waits for a line from a person' },
  { programs: ['mysql_secure_installation', 'ftp', 'telnet', 'fdisk'], asks: always, why: 'asks questions' },
  {
    programs: ['adduser'],
    asks: (words) => !has(words, '--disabled-password', '--system', '--disabled-login'),
    why: 'asks for a password: add --disabled-password',
  },
  {
    programs: ['ssh', 'scp', 'sftp'],
    asks: (words) => !words.some((word) => /BatchMode=yes/i.test(word)) && !has(words, '-B'),
    why: 'may ask for a password: add -o BatchMode=yes',
  },
  { programs: ['su'], asks: always, why: 'may ask for a password' },
  {
    programs: ['rm', 'cp', 'mv', 'ln'],
    asks: (words) => has(words, '-i', '--interactive'),
    why: 'asks before each file: leave -i out',
  },
  {
    programs: ['pip', 'pip3'],
    asks: (words) => words.includes('uninstall') && !has(words, '-y', '--yes'),
    why: 'asks before it removes: add -y',
  },
  {
    programs: ['docker', 'podman'],
    asks: (words) => words.some((word) => /^-(it|ti|i|t)$/.test(word) || word === '--interactive'),
    why: 'opens a terminal: leave -it out',
  },
];

function whyOf(words: readonly string[]): string | undefined {
  const settings = words.slice(
    0,
    firstOf(words, (word) => !/^\w+=/.test(word)),
  );
  const [path = '', ...rest] = words.slice(settings.length);
  const program = path.slice(path.lastIndexOf('/') + 1);
  if (program === 'sudo')
    return has(rest.slice(0, 2), '-n', '--non-interactive')
      ? whyOf([...settings, ...rest.filter((word) => word !== '-n' && word !== '--non-interactive')])
      : 'sudo may ask for a password: add -n';
  if (['env', 'nohup', 'exec', 'time', 'nice', 'setsid', 'then', 'do', 'else', '{', '('].includes(program))
    return whyOf([...settings, ...rest]);
  if (['sh', 'bash', 'dash'].includes(program)) return whyOfShell(rest);
  const rule = rules.find(({ programs, asks }) => programs.includes(program) && asks(rest, settings));
  return rule && `${program} ${rule.why}`;
}

function whyOfShell(words: readonly string[]): string | undefined {
  const at = words.findIndex((word) => /^-[a-z]*c$/.test(word));
  if (at >= 0) return whyInteractive(words[at + 1] ?? '');
  return words.includes('-i') || words.length === 0
    ? 'a shell without a script waits for a person'
    : undefined;
}

/** The words of each command of a line, without quotes. */
function simpleCommands(line: string): string[][] {
  const commands: string[][] = [[]];
  for (const [found] of line.matchAll(/'[^']*'|"(?:[^"\\]|\\[^])*"|[;&|\n]+|[^\s'";&|]+/g)) {
    if (/^[;&|\n]/.test(found)) commands.push([]);
    else commands.at(-1)?.push(/^['"]/.test(found) ? found.slice(1, -1) : found);
  }
  return commands.filter((words) => words.length > 0);
}

function firstOf(words: readonly string[], holds: (word: string) => boolean): number {
  const at = words.findIndex(holds);
  return at < 0 ? words.length : at;
}
