import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const steps = path.join(import.meta.dirname, 'steps.mjs');

function ensureAs(
  prefix: readonly string[],
  names: readonly string[],
): { status: number | null; stderr: string } {
  const script = `import('${steps}').then((steps) => steps.ensurePackages('Packages', ${JSON.stringify(names)}))`;
  const words = [...prefix, process.execPath, '-e', script];
  return spawnSync(words[0] ?? '', words.slice(1), { encoding: 'utf8' });
}

describe('ensurePackages', () => {
  it('says what is there', () => {
    const { status, stderr } = ensureAs([], ['dpkg']);

    expect(status).toBe(0);
    expect(stderr).toContain('there');
  });

  it.runIf(process.getuid?.() === 0)('without root names exactly what to install, and ends', () => {
    const { status, stderr } = ensureAs(
      // Another user, who may read the checkout wherever it lies.
      [
        ...['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'],
        ...['--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search'],
      ],
      ['dpkg', 'no-such-package-a', 'no-such-package-b'],
    );

    expect(status).toBe(1);
    expect(stderr).toContain(
      'sudo apt-get install --no-install-recommends no-such-package-a no-such-package-b',
    );
  });
});
