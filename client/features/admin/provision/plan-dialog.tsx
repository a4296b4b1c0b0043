import { Alert, Button, Group, Modal, Skeleton, Stack, Table, Text, TextInput } from '@mantine/core';
import type { ProvisionPlan } from '@medusa/protocol';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useMutation, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { createContext, use, useId, useState, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { FailureNotice } from './loaded.tsx';
import { useRefresh } from './use-provision.ts';

const text = strings.provision;
const mostShown = 30;

/** A change that an administrator is about to make. */
export type AskedChange = {
  readonly title: string;
  /** What would be done; absent where the provider has no part in it. */
  readonly plan?: () => Promise<ProvisionPlan>;
  readonly act: () => Promise<unknown>;
  readonly done?: () => void;
  readonly warning?: string;
  /** Takes something away. */
  readonly isDestructive?: boolean;
  /** A word to type first: for what cannot be brought back. */
  readonly typed?: string;
};

const ConfirmContext = createContext<((asked: AskedChange) => void) | undefined>(undefined);

/** Shows what a change would do, and makes it when that is confirmed. */
export function useConfirm(): (asked: AskedChange) => void {
  const confirm = use(ConfirmContext);
  if (!confirm) throw new Error('There is no plan dialog above this component');
  return confirm;
}

export function ConfirmProvider({ children }: { children: ReactNode }): ReactNode {
  const [asked, setAsked] = useState<AskedChange | null>(null);
  const close = (): void => setAsked(null);
  return (
    <ConfirmContext value={setAsked}>
      {children}
      <Modal
        opened={asked !== null}
        onClose={close}
        title={asked?.title}
        size="lg"
        closeButtonProps={{ 'aria-label': strings.common.close }}
        zIndex={400}
      >
        <div data-testid="plan-dialog">{asked && <Confirmation asked={asked} close={close} />}</div>
      </Modal>
    </ConfirmContext>
  );
}

function Confirmation({ asked, close }: { asked: AskedChange; close: () => void }): ReactNode {
  const key = useId();
  const refresh = useRefresh();
  const [typed, setTyped] = useState('');
  const plan = useQuery({
    queryKey: ['plan', key],
    queryFn: async () => (await asked.plan?.()) ?? null,
    gcTime: 0,
    staleTime: Infinity,
    retry: false,
  });
  const acting = useMutation({
    mutationFn: asked.act,
    onSuccess: () => {
      refresh();
      asked.done?.();
      close();
    },
  });
  const isTyped = asked.typed === undefined || typed === asked.typed;
  return (
    <Stack gap="md">
      {asked.warning !== undefined && <Warning>{asked.warning}</Warning>}
      <PlanAnswer plan={plan} />
      {asked.typed !== undefined && (
        <TextInput
          label={text.plan.typed(asked.typed)}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          autoComplete="off"
          data-testid="plan-typed"
        />
      )}
      {acting.error && <FailureNotice error={acting.error} title={text.plan.refused} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={close} data-testid="plan-cancel">
          {strings.common.cancel}
        </Button>
        <Button
          {...(asked.isDestructive === true ? { color: 'red' } : {})}
          disabled={!plan.isSuccess || !isTyped}
          loading={acting.isPending}
          onClick={() => acting.mutate()}
          data-testid="plan-confirm"
        >
          {text.plan.confirm}
        </Button>
      </Group>
    </Stack>
  );
}

function PlanAnswer({ plan }: { plan: UseQueryResult<ProvisionPlan | null> }): ReactNode {
  if (plan.isPending) return <Skeleton h={80} aria-label={text.plan.loading} />;
  if (plan.error) return <FailureNotice error={plan.error} title={text.plan.failed} />;
  if (plan.data) return <Plan plan={plan.data} />;
  return (
    <Text size="sm" c="dimmed">
      {text.plan.unplanned}
    </Text>
  );
}

function Plan({ plan: { steps, warnings } }: { plan: ProvisionPlan }): ReactNode {
  const times = steps.map(({ typicalSeconds }) => typicalSeconds);
  const total = times.reduce<number>((sum, seconds) => sum + (seconds ?? 0), 0);
  return (
    <Stack gap="sm" data-testid="plan">
      {warnings.map((warning) => (
        <Warning key={warning}>{warning}</Warning>
      ))}
      {steps.length === 0 ? (
        <Text size="sm" c="dimmed">
          {text.plan.none}
        </Text>
      ) : (
        <Table verticalSpacing={4} fz="sm" aria-label={text.plan.title}>
          <Table.Tbody>
            {steps.slice(0, mostShown).map((step, index) => (
              <Table.Tr key={`${index} ${step.name}`} data-testid="plan-step" data-action={step.action}>
                <Table.Td c="dimmed" w={28} className="medusa-numeric">
                  {index + 1}
                </Table.Td>
                <Table.Td>
                  {step.action} {text.kinds[step.kind]} <strong>{step.name}</strong>
                  {step.note !== '' && (
                    <Text size="xs" c="dimmed">
                      {step.note}
                    </Text>
                  )}
                </Table.Td>
                <Table.Td c="dimmed">{step.provider}</Table.Td>
                <Table.Td c="dimmed" ta="right" className="medusa-numeric admin-instant">
                  {step.typicalSeconds !== null && text.plan.typical(text.seconds(step.typicalSeconds))}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      {steps.length > mostShown && (
        <Text size="xs" c="dimmed">
          {text.more(steps.length - mostShown)}
        </Text>
      )}
      {steps.length > 1 && total > 0 && (
        <Text size="xs" c="dimmed">
          {text.plan.total(text.seconds(total))}
        </Text>
      )}
    </Stack>
  );
}

function Warning({ children }: { children: string }): ReactNode {
  return (
    <Alert color="yellow" variant="light" icon={<IconAlertTriangle />}>
      {children}
    </Alert>
  );
}
