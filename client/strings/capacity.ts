const preWarm = {
  title: 'Slots made ready in advance',
  span: 'Over',
  spans: { 1: '24 hours', 7: '7 days', 30: '30 days' },
  hitRate: 'Hit rate',
  coverage: 'Sessions foreseen',
  late: 'Foreseen, too late',
  misses: 'Not used',
  cost: 'Kept for nothing',
  of: (part: number, all: number): string => ` (${part} of ${all})`,
  share: (share: number | null, more: string): string =>
    share === null ? '–' : `${(share * 100).toFixed(0)} %${more}`,
  minutes: (minutes: number): string => {
    const rounded = minutes > 0 && minutes < 10 ? minutes.toFixed(1) : minutes.toFixed(0);
    return `${rounded} slot-minutes`;
  },
  parts: { hits: 'Foreseen', late: 'Foreseen, too late', unforeseen: 'Not foreseen', misses: 'Not used' },
  chart: 'Sessions that were foreseen, that were not, and slots that were not used, over time',
  bySource: 'Foreseen by',
  by: { off: 'Off', worklist: 'Worklist', calendar: 'Calendar', both: 'Worklist and calendar' },
  now: 'Kept ready now',
  nothingNow: 'Nothing: no session is expected.',
  entry: (title: string | null): string => (title === null || title === '' ? 'A reservation' : title),
  anyOf: (studies: number, chance: number): string =>
    `${studies === 1 ? 'One unread study' : `One of ${studies} unread studies`} (${(chance * 100).toFixed(0)} % likely)`,
  kept: (pool: string, until: string): string => `pool ${pool}, until ${until}`,
  notExtra: '· there anyway',
  pool: (pool: string): string => `Pool ${pool}`,
  bounds: (slots: number, leadSeconds: number): string =>
    `At most ${slots} ${slots === 1 ? 'slot' : 'slots'}${leadSeconds > 0 ? `; a node takes ${leadSeconds.toFixed(0)} s` : ''}`,
  changing: (pool: string, by: string): string => `Make slots of pool ${pool} ready in advance: ${by}`,
  learnt: (studies: number, opened: number): string =>
    `How soon studies are opened is learnt from the ${studies} that came new in the last four weeks; ${opened} of them were opened.`,
} as const;

/** What administrators read about capacity. */
export const capacityStrings = {
  intro:
    'What the sessions of the past would have waited and cost on fewer or more nodes: by a replay of each of them, and by Erlang’s formulas at their mean load.',
  source: 'Sessions',
  sources: { recorded: 'As recorded', synthetic: 'Invented' },
  days: 'Days back',
  perHour: 'Sessions an hour',
  holdMinutes: 'Minutes each',
  nodesFrom: 'Nodes from',
  nodesTo: 'to',
  slotsPerNode: 'Slots a node',
  bootSeconds: 'Seconds to boot',
  failureHours: 'Hours between failures',
  failureNever: 'none',
  price: 'Price a node and hour',
  promise: 'Promised wait, s',
  breachPercent: 'May wait longer, %',
  timeZone: 'Time zone',
  compute: 'Compute',
  failed: 'This could not be computed',
  nothing: 'No session was recorded in this time. Try invented ones.',
  load: (arrivals: number, hours: number, holdMinutes: number): string =>
    `${arrivals} sessions in ${Math.round(hours / 24)} days, ${holdMinutes.toFixed(0)} min each`,
  erlangs: (mean: number, peak: number): string =>
    `${mean.toFixed(1)} slots in use on average, ${peak.toFixed(1)} in the busiest hour of the week`,
  suggested: (nodes: number): string => `${nodes} nodes at all times keep the promise.`,
  notSuggested: 'None of these numbers of nodes keeps the promise.',
  charts: {
    delayed: 'Have to wait, %',
    wait: 'Wait of the slowest twentieth, s',
    use: 'Slots in use, %',
    cost: 'Cost',
  },
  lines: { replay: 'Replay', erlangC: 'Erlang C', erlangB: 'Erlang B (refused)', promise: 'Promised' },
  perNodes: 'nodes',
  table: {
    title: 'What it comes to',
    nodes: 'Nodes',
    slots: 'Slots',
    erlangB: 'Erlang B',
    erlangC: 'Erlang C',
    delayed: 'Waited',
    p50: 'Median wait',
    p95: '95 % wait',
    use: 'In use',
    hours: 'Node hours',
    cost: 'Cost',
    breaches: 'Breaches',
    interrupted: 'Cut off',
  },
  scheduled: 'By schedule',
  schedule: 'A schedule that keeps the promise',
  scheduleMin: (min: number, timeZone: string): string => `At least ${min} at all other times (${timeZone}).`,
  days7: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'],
  window: (days: string, hours: string, min: number): string => `${days} ${hours}: at least ${min}`,
  pool: 'Pool',
  apply: 'Apply as schedule',
  applyTitle: (pool: string): string => `Put the schedule onto pool ${pool}`,
  wait: (seconds: number): string => {
    if (seconds < 120) return `${seconds.toFixed(seconds > 0 && seconds < 10 ? 1 : 0)} s`;
    if (seconds < 7_200) return `${(seconds / 60).toFixed(0)} min`;
    return seconds < 172_800 ? `${(seconds / 3_600).toFixed(1)} h` : `${(seconds / 86_400).toFixed(1)} days`;
  },
  preWarm,
  percent: (share: number): string => `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`,
} as const;
