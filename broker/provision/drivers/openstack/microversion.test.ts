import { expect, it } from 'vitest';
import { chooseMicroversion } from './microversion.ts';
import { World } from './stand-in/world.stand-in.ts';

const ranged = (
  min_version: string,
  version: string,
): { version: { min_version: string; version: string } } => ({
  version: { min_version, version },
});

it('takes the newest that both sides know, counting minors as numbers', () => {
  expect(chooseMicroversion('compute', ranged('2.1', '2.100'), '2.90')).toBe('2.90');
  expect(chooseMicroversion('compute', ranged('2.1', '2.9'), '2.90')).toBe('2.9');
  expect(chooseMicroversion('compute', ranged('2.1', '2.90'), '2.90')).toBe('2.90');
});

it('refuses a cloud that speaks only what is not known here', () => {
  expect(() => chooseMicroversion('compute', ranged('2.95', '2.100'), '2.90')).toThrow(/2\.95/);
});

it('knows a service without microversions', () => {
  expect(
    chooseMicroversion('compute', { version: { id: 'v2.0', version: '', min_version: '' } }, '2.90'),
  ).toBeNull();
  expect(chooseMicroversion('volume', { versions: [{ id: 'v2.0' }] }, '3.70')).toBeNull();
});

it('takes the version of its own major among several', () => {
  const versions = [
    { id: 'v2.0', version: '', min_version: '' },
    { id: 'v3.0', version: '3.59', min_version: '3.0' },
  ];
  expect(chooseMicroversion('volume', { versions }, '3.70')).toBe('3.59');
});

it('reads the documents of a real cloud', () => {
  const world = new World();
  const read = (service: 'compute' | 'volume' | 'placement' | 'baremetal', path: string): unknown =>
    world.say(service, `GET ${path} 200`).body;

  expect(chooseMicroversion('compute', read('compute', '/v2.1/') as never, '2.90')).toBe('2.90');
  expect(chooseMicroversion('volume', read('volume', '/v3/') as never, '3.99')).toBe('3.70');
  expect(chooseMicroversion('placement', read('placement', '/') as never, '1.99')).toBe('1.39');
  expect(chooseMicroversion('baremetal', read('baremetal', '/') as never, '1.70')).toBe('1.70');
});
