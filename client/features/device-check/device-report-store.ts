import { deviceReportSchema, type DeviceReport } from '@medusa/protocol';
import { z } from 'zod';

const key = 'medusa.device-report';
const keptSchema = z.object({ report: deviceReportSchema, isGuaranteed: z.boolean() });

/** A report and whether the network lets quality be guaranteed. */
export type KeptDeviceReport = { readonly report: DeviceReport; readonly isGuaranteed: boolean };

/** The report of this browser session, if the check has been run. */
export function loadDeviceReport(): KeptDeviceReport | undefined {
  try {
    return keptSchema.parse(JSON.parse(sessionStorage.getItem(key) ?? 'null'));
  } catch {
    return undefined;
  }
}

export function saveDeviceReport(kept: KeptDeviceReport): void {
  sessionStorage.setItem(key, JSON.stringify(kept));
}
