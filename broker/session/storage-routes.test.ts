import { nodeIdSchema } from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import { routeTo } from './storage-routes.ts';

const storage = { nodeId: nodeIdSchema.parse('storage-1'), baseUrl: 'https://10.0.0.1:8042/dicomweb' };

describe('the way to a storage node', () => {
  it('is its own address, unless a zone has another one', () => {
    const routes = {
      cloud: { 'storage-1': 'https://gateway.example.org' },
      far: { 'storage-2': 'https://x' },
    };

    expect(routeTo(storage, 'cloud', routes)).toBe('https://gateway.example.org/dicomweb');
    expect(routeTo(storage, 'far', routes)).toBe(storage.baseUrl);
    expect(routeTo(storage, 'local', routes)).toBe(storage.baseUrl);
  });
});
