import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCall, decodeResponse, encodeCall, encodeResponse, type XmlRpcValue } from './xml-rpc.ts';

const text = fc.stringMatching(/^[ -~äöü€]*$/);
const value = fc.letrec<{ value: XmlRpcValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    text,
    fc.integer(),
    fc.boolean(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_-]*$/), tie('value'), { maxKeys: 4 }),
  ),
})).value;

describe('XML-RPC', () => {
  it('carries any value there and back', () => {
    fc.assert(
      fc.property(value, (sent) => {
        expect(decodeResponse(encodeResponse(sent))).toEqual({ kind: 'value', value: sent });
        expect(decodeCall(encodeCall('vm.do', [sent, 'x']))).toEqual({
          method: 'vm.do',
          parameters: [sent, 'x'],
        });
      }),
    );
  });

  it('reads a fault as the specification writes it', () => {
    const fault = `<?xml version="1.0"?>
<methodResponse>
   <fault>
      <value>
         <struct>
            <member><name>faultCode</name><value><int>4</int></value></member>
            <member><name>faultString</name><value><string>Too many parameters.</string></value></member>
         </struct>
      </value>
   </fault>
</methodResponse>`;

    expect(decodeResponse(fault)).toEqual({ kind: 'fault', code: 4, text: 'Too many parameters.' });
  });

  it('takes a value without a type for a string', () => {
    const response =
      '<methodResponse><params><param><value>South Dakota &amp; more</value></param></params></methodResponse>';

    expect(decodeResponse(response)).toEqual({ kind: 'value', value: 'South Dakota & more' });
  });

  it.each([
    '',
    '<html/>',
    '<methodResponse/>',
    '<methodResponse><params/></methodResponse>',
    'x'.repeat(100),
  ])('refuses what is none: %s', (text) => {
    expect(() => decodeResponse(text)).toThrow();
  });

  it('expands no entity of a document type', () => {
    const bomb = `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>
<methodResponse><params><param><value>&b;</value></param></params></methodResponse>`;

    expect(() => decodeResponse(bomb)).toThrow();
  });
});
