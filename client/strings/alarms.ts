/** What administrators read about alarms. */
export const alarmStrings = {
  title: 'Alarms',
  none: 'No alarm is open.',
  failed: 'Alarms cannot be shown',
  since: (at: string): string => `since ${at}`,
  over: (raised: string, cleared: string): string => `${raised} to ${cleared}`,
  cleared: 'Lately cleared',
  open: (count: number): string => (count === 1 ? '1 alarm is open' : `${count} alarms are open`),
  severity: { warning: 'warning', critical: 'critical' },
} as const;
