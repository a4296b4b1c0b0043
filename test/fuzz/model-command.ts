/** A command set as PS3.7 §6.3 has it. */
export type ModelCommand = {
  readonly field: number;
  readonly messageId: number;
  readonly isResponse: boolean;
  readonly isCancel: boolean;
  /** Of a response. */
  readonly status: number;
  readonly hasDataSet: boolean;
  readonly sopClass: string;
  readonly sopInstance: string;
};

/** Undefined: it is broken, or lacks what every command has. */
export function parseCommand(bytes: Buffer): ModelCommand | undefined {
  const values = elementsOf(bytes);
  if (!values) return undefined;
  const number = (element: number): number | undefined => {
    const value = values.get(element);
    return value?.length === 2 ? value.readUInt16LE(0) : undefined;
  };
  const field = number(0x0100);
  const dataSetType = number(0x0800);
  if (field === undefined || dataSetType === undefined) return undefined;
  const isResponse = field >= 0x8000;
  const isCancel = field === 0x0fff;
  const messageId = number(isResponse || isCancel ? 0x0120 : 0x0110);
  const status = isResponse ? number(0x0900) : 0;
  // Where they are, they are numbers.
  const areNumbers = [0x1002, 0x1008].every((tag) => !values.has(tag) || number(tag) !== undefined);
  if (messageId === undefined || status === undefined || !areNumbers) return undefined;
  const uid = (element: number): string =>
    (values.get(element)?.toString('latin1') ?? '').replace(/[\0 ]+$/, '').replace(/^\s+/, '');
  const hasDataSet = dataSetType !== 0x0101;
  return {
    ...{ field, messageId, isResponse, isCancel, status, hasDataSet },
    sopClass: uid(0x0002),
    sopInstance: uid(0x1000),
  };
}

function elementsOf(bytes: Buffer): Map<number, Buffer> | undefined {
  const values = new Map<number, Buffer>();
  for (let at = 0; at < bytes.length;) {
    if (at + 8 > bytes.length || bytes.readUInt16LE(at) !== 0) return undefined;
    const end = at + 8 + bytes.readUInt32LE(at + 4);
    if (end > bytes.length) return undefined;
    values.set(bytes.readUInt16LE(at + 2), bytes.subarray(at + 8, end));
    at = end;
  }
  return values;
}
