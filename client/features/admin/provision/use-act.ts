import type { ResourceAction, ResourceId } from '@medusa/protocol';
import { strings } from '../../../strings/en.ts';
import { useServices } from '../../../ui/services.tsx';
import { useConfirm, type AskedChange } from './plan-dialog.tsx';

const text = strings.provision.acts;
const destructive: readonly ResourceAction['action'][] = ['destroy', 'release', 'revert'];

/** Does something with a resource, after its plan was seen. */
export function useAct(): (
  id: ResourceId,
  action: ResourceAction,
  options?: Partial<Pick<AskedChange, 'title' | 'typed'>>,
) => void {
  const { api } = useServices();
  const confirm = useConfirm();
  return (id, action, options = {}) =>
    confirm({
      title: text.of(action.action === 'power' ? text.powers[action.power] : text[action.action], id),
      plan: async () => api.provision.planAct(id, action),
      act: async () => api.provision.act(id, action),
      isDestructive: destructive.includes(action.action),
      ...options,
    });
}
