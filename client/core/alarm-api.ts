import { alarmListSchema, parseInput, type AlarmList } from '@medusa/protocol';
import type { Call } from './provision-api.ts';

/** What administrators should see to. */
export class AlarmApi {
  readonly #call: (path: string, options: Call) => Promise<unknown>;

  constructor(call: (path: string, options: Call) => Promise<unknown>) {
    this.#call = call;
  }

  async list(signal?: AbortSignal): Promise<AlarmList> {
    return parseInput(alarmListSchema, await this.#call('/api/alarms', { signal }));
  }
}
