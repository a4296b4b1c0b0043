import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startStorageNode, type StorageNode } from '../support/storage-node.ts';
import { UpperLayerModel, type Expected } from './model.ts';
import { createRandom } from './random.ts';
import { play } from './talk.ts';
import {
  echoCommand,
  encodeCommand,
  encodeData,
  encodePdu,
  encodeRequest,
  pdu,
  uids,
  usualContexts,
  usualRequest,
} from './wire.ts';

const request = (change: Parameters<typeof usualRequest>[0] = {}): Buffer =>
  encodeRequest(usualRequest(change));
const accepted = (...results: [number, number][]): Expected => ({ kind: 'accept', results });
const aborted = (source: number, reason: number): Expected => ({ kind: 'abort', verdict: [source, reason] });
const echo = encodeData([{ context: 1, control: 3, bytes: encodeCommand(echoCommand(521)) }]);

/** What the fuzzer, or the model against which it compares, has found. Each was answered otherwise once. */
const cases: readonly (readonly [name: string, bytes: Buffer, expected: readonly Expected[]])[] = [
  [
    'a caller named as a member of every object has the rights of whom the registry does not list',
    request({ calling: 'constructor' }),
    [accepted([1, 0], [3, 0])],
  ],
  ['a caller named __proto__ has them too', request({ calling: '__proto__' }), [accepted([1, 0], [3, 0])]],
  [
    'an abstract syntax named as a member of every object is none',
    request({ contexts: [{ id: 5, abstractSyntax: 'toString', transferSyntaxes: [uids.implicit] }] }),
    [accepted([5, 3])],
  ],
  [
    'a transfer syntax named as a member of every object is none',
    request({ contexts: [{ id: 5, abstractSyntax: uids.storage, transferSyntaxes: ['constructor'] }] }),
    [accepted([5, 4])],
  ],
  [
    'only spaces around a title mean nothing',
    request({ called: 'MEDUSA\xa0' }),
    [{ kind: 'reject', verdict: [1, 1, 7] }],
  ],
  [
    'P-DATA without a data value is broken',
    Buffer.concat([request(), encodePdu(pdu.data, Buffer.alloc(0))]),
    [accepted(...usualContexts.map(({ id }): [number, number] => [id, 0])), aborted(2, 6)],
  ],
  ['before an association it is the service user who aborts (AA-1)', echo, [aborted(0, 0)]],
  ['and so it is of what is no PDU', Buffer.from('GET / HTTP/1.1\r\n\r\n'), [aborted(0, 0)]],
  [
    'a message id that looks like a status is none',
    Buffer.concat([request(), echo]),
    [
      accepted([1, 0], [3, 0]),
      { kind: 'response', context: 1, field: 0x8030, messageId: 521, statuses: [0x0000] },
    ],
  ],
];

describe('what fuzzing has found', () => {
  let node: StorageNode;
  beforeAll(async () => {
    node = await startStorageNode({ isInMemory: true });
  });
  afterAll(async () => node[Symbol.asyncDispose]());

  it.each(cases)('%s', async (_name, bytes, expected) => {
    const model = new UpperLayerModel();
    model.push(bytes);
    expect(model.expected).toEqual(expected);

    const script = { bytes, model, mutated: 0 };
    const random = createRandom(1);
    expect(await play(script, { port: node.port, address: '127.0.0.1', random })).toBeUndefined();
    expect(node.fault()).toBeUndefined();
  });
});
