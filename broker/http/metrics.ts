import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Alarms } from '../alarm/index.ts';
import type { NodeRegistry } from '../node/index.ts';
import type { Sessions } from '../session/index.ts';

export type Metrics = {
  read(): Promise<{ contentType: string; text: string }>;
  observeRequest(labels: { method: string; route: string; status: string }, seconds: number): void;
};

/** Counted when asked, so that the numbers are those of the database and not of this process's memory. */
export function createMetrics({
  sessions,
  nodes,
  alarms,
}: {
  sessions: Sessions;
  nodes: NodeRegistry;
  alarms: Pick<Alarms, 'list'>;
}): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const sessionGauge = new Gauge({
    name: 'medusa_sessions',
    help: 'Live sessions by state',
    labelNames: ['state'],
    registers,
  });
  const queueGauge = new Gauge({
    name: 'medusa_queue_length',
    help: 'Sessions waiting for a slot',
    registers,
  });
  const nodeGauge = new Gauge({
    name: 'medusa_nodes',
    help: 'Nodes by kind and state',
    labelNames: ['kind', 'state'],
    registers,
  });
  const alarmGauge = new Gauge({
    name: 'medusa_alarms',
    help: 'Alarms that are open, by kind and severity',
    labelNames: ['kind', 'severity'],
    registers,
  });
  const startup = new Histogram({
    name: 'medusa_session_startup_seconds',
    help: 'From request to the first frame',
    buckets: [0.5, 1, 2, 3, 5, 8, 13, 21, 34, 60],
    registers,
  });
  const requests = new Histogram({
    name: 'medusa_http_request_seconds',
    help: 'Duration of HTTP requests',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.02, 0.05, 0.1, 0.3, 1, 3, 10],
    registers,
  });
  const observed = new Set<string>();
  sessions.events.on('streaming', ({ id, createdAt, streamingAt, mode }) => {
    if (mode !== 'streamed' || streamingAt === null || observed.has(id)) return;
    observed.add(id);
    startup.observe((Date.parse(streamingAt) - Date.parse(createdAt)) / 1000);
  });
  sessions.events.on('ended', ({ id }) => void observed.delete(id));

  return {
    async read() {
      sessionGauge.reset();
      nodeGauge.reset();
      alarmGauge.reset();
      for (const { kind, severity } of (await alarms.list()).open) alarmGauge.inc({ kind, severity });
      const live = await sessions.listLive();
      for (const { state } of live) sessionGauge.inc({ state });
      for (const { kind, state } of nodes.views()) nodeGauge.inc({ kind, state });
      queueGauge.set(live.filter(({ state }) => state === 'queued').length);
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
    observeRequest: (labels, seconds) => requests.observe(labels, seconds),
  };
}
