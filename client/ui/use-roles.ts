import type { Role } from '@medusa/protocol';
import { useServices } from './services.tsx';
import { useStore } from './use-store.ts';

export function useRoles(): readonly Role[] {
  return useStore(useServices().login.state).roles;
}

/** Radiologists open studies; doctors join by invitation; administrators look after the machines. The broker decides. */
export function useCanLaunch(): boolean {
  return useRoles().includes('radiologist');
}
