/** DICOM DA (`YYYYMMDD`, PS3.5 §6.2) as `YYYY-MM-DD`, the form no reader can mistake. Anything else is shown as it came. */
export function formatDicomDate(date: string): string {
  const match = /^(\d{4})\.?(\d{2})\.?(\d{2})$/.exec(date.trim());
  return match ? match.slice(1).join('-') : date.trim();
}

/** DICOM TM (`HHMMSS.FFFFFF`, PS3.5 §6.2) as `HH:MM`. */
export function formatDicomTime(time: string): string {
  const match = /^(\d{2}):?(\d{2})/.exec(time.trim());
  return match ? match.slice(1).join(':') : time.trim();
}

/** The local calendar day as a DICOM DA. */
export function toDicomDate(day: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${day.getFullYear()}${two(day.getMonth() + 1)}${two(day.getDate())}`;
}
