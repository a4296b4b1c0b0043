import { expect, it } from 'vitest';
import { candidatesQuery } from './capacity.ts';
import { hardwareOf } from './sizes.ts';

it.each([
  [{ 'resources:CUSTOM_GPU_A100': '2' }, { model: 'A100', count: 2 }],
  [{ 'resources1:CUSTOM_GPU_RTX_A6000': '1' }, { model: 'RTX A6000', count: 1 }],
  [
    { 'resources:VGPU': '1', 'trait:CUSTOM_NVIDIA_A40_8Q': 'required' },
    { model: 'NVIDIA A40 8Q', count: 1 },
  ],
  [{ 'resources:PGPU': '1' }, { model: 'PGPU', count: 1 }],
  [{ 'pci_passthrough:alias': 'nic-x710:1, nvidia-l40:2' }, { model: 'nvidia-l40', count: 2 }],
  [{ 'pci_passthrough:alias': 'a100' }, { model: 'a100', count: 1 }],
  [{ 'pci_passthrough:alias': 'nic-x710:1' }, null],
  [{ 'resources:CUSTOM_GPU_A100': '0' }, null],
  [{ 'resources:CUSTOM_BAREMETAL': '1' }, null],
  [{}, null],
])('recognises the graphics card in %j', (specs, gpu) => {
  expect(hardwareOf(specs as Record<string, string>).gpu).toEqual(gpu);
});

it('recognises encoder and architecture by what is required', () => {
  expect(hardwareOf({ 'trait:CUSTOM_NVENC': 'required', 'trait:HW_ARCH_AARCH64': 'required' })).toEqual({
    gpu: null,
    encoder: 'nvenc',
    architecture: 'arm64',
  });
  expect(hardwareOf({ 'trait:CUSTOM_NVENC': 'forbidden', 'hw:architecture': 'x86_64' })).toEqual({
    gpu: null,
    encoder: null,
    architecture: 'x64',
  });
});

it('asks Placement only for what is scarce', () => {
  expect(candidatesQuery({ 'hw:cpu_policy': 'dedicated', 'resources:VCPU': '0' })).toBeUndefined();
  expect(candidatesQuery({ 'resources:CUSTOM_BAREMETAL': '0' })).toBeUndefined();
  expect(
    candidatesQuery({ 'resources:VGPU': '1', 'resources:VCPU': '4', 'trait:CUSTOM_A40': 'required' }),
  ).toEqual({ resources: 'VGPU:1', required: 'CUSTOM_A40', limit: '1' });
});
