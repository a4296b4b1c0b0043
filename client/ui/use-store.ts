import { useSyncExternalStore } from 'react';
import type { Store } from '../core/store.ts';

/** Renders again whenever the store's value changes. */
export function useStore<Value>(store: Store<Value>): Value {
  return useSyncExternalStore(store.subscribe, store.get);
}
