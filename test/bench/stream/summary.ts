import { median, quantile } from '../report.ts';
import type { Turn } from './measure.ts';
import type { ContenderName } from './race.ts';

export type Result = { readonly course: string; readonly name: ContenderName; readonly turn: Turn };

type Figures = Readonly<Record<string, number>>;

/** One line of figures: latencies over all turns together, everything else as the median of the turns. */
export function summarize(results: readonly Result[]): { medians: Figures; ratios: Figures; n: number } {
  const medians: Record<string, number> = {};
  const ratios: Record<string, number> = {};
  const courses = new Set(results.map(({ course }) => course));
  for (const course of courses) {
    const names = new Set(results.filter((one) => one.course === course).map(({ name }) => name));
    const ours = figuresOf(results, course, 'ours');
    for (const name of names) {
      const figures = figuresOf(results, course, name);
      for (const [figure, value] of Object.entries(figures)) {
        medians[`${course}.${name}.${figure}`] = value;
        const own = ours[figure];
        // Ratios only of what has a zero: decibels and similarities have none.
        if (name !== 'ours' && own !== undefined && own > 0 && !/Psnr|Ssim|lost|packets/.test(figure))
          ratios[`${course}.${name}ToOurs.${figure}`] = value / own;
      }
    }
  }
  return { medians, ratios, n: results.reduce((sum, { turn }) => sum + turn.latenciesMs.length, 0) };
}

/** For people: what a turn gave, in a line. */
export function describeTurn(turn: Turn): string {
  return Object.entries(figuresOf([{ course: '', name: 'ours', turn }], '', 'ours'))
    .map(([name, value]) => `${name} ${Number(value.toPrecision(3))}`)
    .join(', ');
}

function figuresOf(results: readonly Result[], course: string, name: ContenderName): Figures {
  const turns = results.filter((one) => one.course === course && one.name === name).map(({ turn }) => turn);
  const latencies = turns.flatMap(({ latenciesMs }) => latenciesMs);
  const middle = (take: (turn: Turn) => number | null | undefined): number =>
    median(turns.map(take).filter((value) => value !== undefined && value !== null));
  const figures = {
    p50Ms: median(latencies),
    p95Ms: quantile(latencies, 0.95),
    lost: turns.reduce((sum, { lost }) => sum + lost, 0),
    distinctPerSecond: middle((turn) => turn.distinctPerSecond),
    longestFreezeMs: middle((turn) => turn.longestFreezeMs),
    recoverySeconds: middle((turn) => turn.recoverySeconds),
    serverCpu: middle((turn) => turn.serverCpu),
    viewerCpu: middle((turn) => turn.viewerCpu),
    downMbps: middle((turn) => turn.downMbps),
    upMbps: middle((turn) => turn.upMbps),
    packetsLost: middle((turn) => turn.packets?.toViewer.lost),
    packetsWithoutRoom: middle((turn) => turn.packets?.toViewer.noRoom),
    packetsOverrun: middle(
      (turn) => turn.packets && turn.packets.toViewer.overrun + turn.packets.toServer.overrun,
    ),
    movingPsnrDb: middle((turn) => turn.moving?.psnrDb),
    movingSsim: middle((turn) => turn.moving?.ssim),
    restServerCpu: middle((turn) => turn.rest.serverCpu),
    restViewerCpu: middle((turn) => turn.rest.viewerCpu),
    restKbps: middle((turn) => turn.rest.kbps),
    stillPsnrDb: middle((turn) => turn.still?.psnrDb),
    stillSsim: middle((turn) => turn.still?.ssim),
    restedSsim: middle((turn) => turn.rested?.ssim),
  };
  return Object.fromEntries(Object.entries(figures).filter(([, value]) => !Number.isNaN(value)));
}
