import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';

export type Answers = { readonly requestsPerSecond: number; readonly ms: readonly number[] };
type How = {
  readonly headers: readonly string[];
  readonly connections: number;
  /** Every answer has at least so many bytes. */
  readonly leastBytes: number;
  /** A file that may be overwritten. */
  readonly list: string;
};

/** One GET for each, over so many connections that are kept, by curl: a client in this process would want a core of its own. */
export async function getAll(urls: readonly string[], how: How): Promise<Answers> {
  const { headers, connections, leastBytes, list } = how;
  const lines = urls.map((url) => `url = "${url}"\noutput = "/dev/null"`);
  await writeFile(list, lines.join('\n'));
  const wanted = headers.flatMap((header) => ['-H', header]);
  const parallel = ['--parallel', '--parallel-immediate', '--parallel-max', String(connections)];
  const beganMs = performance.now();
  const stdout = await curl([
    ...['-s', '-k', '-g', '--http1.1', ...(connections > 1 ? parallel : []), ...wanted],
    ...['-w', '%{http_code} %{size_download} %{time_total}\\n', '-K', list],
  ]);
  const seconds = (performance.now() - beganMs) / 1_000;
  const answers = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number));
  const bad = answers.filter(([status, bytes = 0]) => status !== 200 || bytes < leastBytes);
  if (bad.length > 0 || answers.length !== urls.length)
    throw new Error(`${bad.length} of ${urls.length} answers are not what they should be: ${String(bad[0])}`);
  return {
    requestsPerSecond: urls.length / seconds,
    ms: answers.map(([, , took = Number.NaN]) => took * 1_000),
  };
}

async function curl(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('curl', args, { maxBuffer: 1 << 26 }, (error, stdout) => {
      if (error) reject(new Error(`curl ended with ${String(error.code)}`));
      else resolve(stdout);
    });
  });
}
