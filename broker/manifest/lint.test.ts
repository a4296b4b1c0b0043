import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import { applicationsDir } from './catalogue.ts';
import { parseCords } from './cords/index.ts';
import { lintManifest } from './lint.ts';

const complete = readFileSync(join(applicationsDir, 'aeskulap.xml'), 'utf8');

function manifestOf(document: string): Manifest {
  const { manifest, problems } = parseCords(document);
  if (!manifest) throw new Error(JSON.stringify(problems));
  return manifest;
}

/** The complete manifest with what matches replaced; a pattern that matches nothing would prove nothing. */
function without(pattern: RegExp, put = ''): Manifest {
  const changed = complete.replace(pattern, put);
  if (changed === complete) throw new Error(`Nothing matches ${pattern.source}`);
  return manifestOf(changed);
}

/** The complete manifest, whose only step is this one. */
function withCommand(command: string): Manifest {
  const manifest = manifestOf(complete);
  const expression = `viewer.system('${command.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}');`;
  return { ...manifest, configuration: { actions: [{ type: 'cordscript', expression }] } };
}

describe('lintManifest', () => {
  it('finds nothing in a complete application', () => {
    expect(lintManifest(manifestOf(complete))).toEqual([]);
  });

  it.each([
    ['base-system', /<system [^>]*>/, '/nodes/1', 'viewer has no base system: its image needs a system'],
    ['dependencies', /<package [^>]*>/, '/nodes/1', 'viewer names no package that it depends on'],
    [
      'configuration',
      /<configuration[^]*<\/configuration>/,
      '',
      /^Nothing says how the nodes are configured/,
    ],
    ['pre-start', /<interface[^]*<\/interface>/, '', /^Nothing says what comes before a start/],
    ['termination', /<release[^]*<\/release>/, '', /^Nothing says how it ends/],
    ['security', /<security [^>]*>/, '', /^There are no security rules/],
    ['security', /<port [^]*<\/network>/, '/nodes', /^A network has no ports/],
    ['account', /<account [^>]*>/, '', 'Nobody owns it: an account is missing'],
  ])('names a missing %s', (...[section, pattern, pointer, message]) => {
    const put = pattern.source.includes('network') ? '</network>' : '';

    expect(lintManifest(without(pattern, put))).toEqual([
      {
        section,
        pointer,
        message: typeof message === 'string' ? message : (expect.stringMatching(message) as unknown),
      },
    ]);
  });

  it('names all that is missing at once', () => {
    const found = lintManifest(manifestOf('<manifest name="empty"><node name="a"/></manifest>'));

    expect(found.map(({ section }) => section)).toEqual([
      'base-system',
      'dependencies',
      'configuration',
      'pre-start',
      'termination',
      'security',
      'account',
    ]);
  });

  it('takes a complex node and an image that is described elsewhere as they are', () => {
    const found = lintManifest(
      manifestOf(
        '<manifest name="a"><node name="a" type="storage"/><node name="b" image="debian"/></manifest>',
      ),
    );

    expect(found.map(({ section }) => section)).not.toContain('base-system');
    expect(found.map(({ section }) => section)).not.toContain('dependencies');
  });

  it.each([
    'apt-get install aeskulap',
    'apt-get update && apt install vim',
    'DEBIAN_FRONTEND=dialog dpkg-reconfigure tzdata',
    'passwd root',
    'read answer',
    'vi /etc/hosts',
    'sudo systemctl restart x',
    'sudo -n apt-get install x',
    "bash -c 'read answer'",
    'bash -i',
    'ssh other reboot',
    'mysql_secure_installation',
    'cat list | /usr/bin/less',
    'docker run -it debian',
    'adduser lena',
    'env A=b dnf install x',
    'rm -ri /tmp/x',
    'su - postgres',
  ])('refuses a step that would wait for a person: %s', (command) => {
    expect(lintManifest(withCommand(command))).toEqual([
      {
        section: 'interaction',
        pointer: '/configuration/actions/0',
        message: expect.stringMatching(/^A step would wait for a person: /) as unknown,
      },
    ]);
  });

  it.each([
    'apt-get update && apt-get install -qy aeskulap',
    'DEBIAN_FRONTEND=noninteractive dpkg-reconfigure tzdata',
    'dpkg-reconfigure -f noninteractive tzdata',
    "echo 'read the manual; passwd root'",
    'read line < /etc/hostname',
    'sudo -n systemctl restart x',
    "bash -c 'echo done'",
    'bash run-coss',
    'ssh -o BatchMode=yes other reboot',
    'top -b -n 1',
    'adduser --disabled-password --gecos "" lena',
    'dnf install -y x',
    'rm -rf /tmp/x',
  ])('lets a step pass that waits for nobody: %s', (command) => {
    expect(lintManifest(withCommand(command))).toEqual([]);
  });

  it('refuses questions in the installation of a package too', () => {
    expect(lintManifest(without(/install -y/, 'install'))).toMatchObject([
      { section: 'interaction', pointer: '/nodes/1/image/packages/0/installation' },
    ]);
  });

  it('refuses to hand a root password from node to node', () => {
    expect(lintManifest(without(/store\.files/, 'store.rootpass'))).toMatchObject([
      { section: 'security', pointer: '/configuration/actions/0' },
    ]);
  });
});
