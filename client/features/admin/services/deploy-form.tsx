import { Alert, Button, Group, List, Modal, NumberInput, Select, Stack, TextInput } from '@mantine/core';
import {
  providerIdSchema,
  serviceIdSchema,
  type Manifest,
  type ProviderView,
  type ServicePlan,
} from '@medusa/protocol';
import { IconInfoCircle } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import type { ServiceInput } from '../../../core/service-api.ts';
import { strings } from '../../../strings/en.ts';
import { useServices } from '../../../ui/services.tsx';
import { useAgreements } from '../agreements/use-agreements.ts';
import { PlanView } from '../manifests/plan-view.tsx';
import { FaultNotice } from '../provision/fault-notice.tsx';
import { faultsOf } from '../provision/faults.ts';
import { FailureNotice } from '../provision/loaded.tsx';
import { useRefresh } from '../provision/use-provision.ts';
import { freeId, isServiceId } from './standing.ts';

const text = strings.services.deploy;

type Props = {
  readonly providers: readonly ProviderView[];
  /** Names that are somebody's already. */
  readonly taken: readonly string[];
  readonly close: () => void;
};
/** What is asked for, and what the broker would make of it. */
type Planned = { readonly wanted: ServiceInput; readonly plan: ServicePlan };

/** Asks what is to run and where, shows what would be made, and deploys it. */
export function DeployForm({ providers, taken, close }: Props): ReactNode {
  const { api } = useServices();
  const [planned, setPlanned] = useState<Planned | null>(null);
  const [draft, setDraft] = useState<Draft>(() => draftAt(providers[0]));
  const planning = useMutation({
    mutationFn: async (wanted: ServiceInput) => ({ wanted, plan: await api.services.plan(wanted) }),
    onSuccess: setPlanned,
  });
  return (
    <Modal
      opened
      onClose={close}
      size={planned ? 1_000 : 'lg'}
      title={planned ? text.planTitle(draft.id) : text.title}
      closeButtonProps={{ 'aria-label': strings.common.close }}
    >
      <div data-testid="deploy-form">
        {planned ? (
          <PlanStep planned={planned} back={() => setPlanned(null)} close={close} />
        ) : (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              planning.mutate(wantedOf(draft));
            }}
          >
            <Stack gap="md">
              <Fields {...{ draft, providers, taken }} change={setDraft} faults={faultsOf(planning.error)} />
              <FaultNotice error={planning.error} />
              <Group justify="flex-end">
                <Button variant="default" onClick={close}>
                  {strings.common.cancel}
                </Button>
                <Button
                  type="submit"
                  loading={planning.isPending}
                  disabled={!isComplete(draft)}
                  data-testid="deploy-plan"
                >
                  {strings.provision.next}
                </Button>
              </Group>
            </Stack>
          </form>
        )}
      </div>
    </Modal>
  );
}

type Draft = {
  readonly manifest: string | null;
  readonly id: string;
  /** A name that somebody wrote is not changed with the manifest. */
  readonly isNamed: boolean;
  readonly provider: string | null;
  readonly agreement: string | null;
  readonly minutes: number | string;
};

function draftAt(provider: ProviderView | undefined): Draft {
  return {
    ...{ manifest: null, id: '', isNamed: false, agreement: null, minutes: 30 },
    provider: provider?.id ?? null,
  };
}

function isComplete({ manifest, agreement, id, provider, minutes }: Draft): boolean {
  const isAsked = manifest !== null || agreement !== null;
  return isAsked && provider !== null && isServiceId(id) && typeof minutes === 'number';
}

function wantedOf({ manifest, id, provider, agreement, minutes }: Draft): ServiceInput {
  return {
    id: serviceIdSchema.parse(id),
    provider: providerIdSchema.parse(provider),
    ...(manifest === null ? {} : { manifest }),
    agreement,
    readySeconds: Math.round(Number(minutes) * 60),
  };
}

type FieldsProps = Pick<Props, 'providers' | 'taken'> & {
  readonly draft: Draft;
  readonly change: (draft: Draft) => void;
  readonly faults: ReadonlyMap<string, string>;
};

function Fields({ draft, providers, taken, change, faults }: FieldsProps): ReactNode {
  const { api } = useServices();
  const catalogue = useQuery({
    queryKey: ['manifests'],
    queryFn: async ({ signal }) => api.manifests.list(signal),
  });
  const agreements = useAgreements();
  const { manifest, id, isNamed, provider, agreement, minutes } = draft;
  const choose = (name: string | null): void =>
    change({
      ...draft,
      manifest: name,
      ...(isNamed ? {} : { id: name === null ? '' : freeId(name, taken) }),
    });
  return (
    <>
      {catalogue.error && <FailureNotice error={catalogue.error} title={strings.provision.failed} />}
      <Select
        label={text.manifest}
        description={aboutOf(catalogue.data, manifest) ?? text.manifestHelp}
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        data={catalogue.data?.map(({ name }) => name) ?? []}
        value={manifest}
        onChange={choose}
        searchable
        clearable
        nothingFoundMessage={text.manifestNone}
        error={faults.get('/manifest')}
        data-autofocus
        data-testid="deploy-manifest"
      />
      <Group grow align="flex-start">
        <TextInput
          label={text.id}
          description={text.idHelp}
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          required
          value={id}
          onChange={(event) => change({ ...draft, id: event.currentTarget.value, isNamed: true })}
          error={faults.get('/id') ?? (id !== '' && !isServiceId(id) && strings.provision.idHelp)}
          data-testid="deploy-id"
        />
        <Select
          label={text.provider}
          required
          data={providers.map((candidate) => ({ value: candidate.id, label: candidate.title }))}
          value={provider}
          onChange={(next) => change({ ...draft, provider: next })}
          allowDeselect={false}
          error={faults.get('/provider')}
          data-testid="deploy-provider"
        />
      </Group>
      <Group grow align="flex-start">
        <Select
          label={text.agreement}
          description={text.agreementHelp}
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          data={agreements.data?.map((known) => known.id) ?? []}
          value={agreement}
          onChange={(next) => change({ ...draft, agreement: next })}
          clearable
          error={faults.get('/agreement')}
          data-testid="deploy-agreement"
        />
        <NumberInput
          label={text.minutes}
          min={1}
          max={1_440}
          allowDecimal={false}
          value={minutes}
          onChange={(next) => change({ ...draft, minutes: next })}
          error={faults.get('/readySeconds')}
          data-testid="deploy-minutes"
        />
      </Group>
    </>
  );
}

function aboutOf(manifests: readonly Manifest[] | undefined, name: string | null): string | undefined {
  return manifests?.find((manifest) => manifest.name === name)?.descriptions[0];
}

function PlanStep(props: { planned: Planned; back: () => void; close: () => void }): ReactNode {
  const { planned, back, close } = props;
  const { wanted, plan } = planned;
  const { api } = useServices();
  const refresh = useRefresh();
  const deploying = useMutation({
    mutationFn: async () => api.services.create(wanted),
    onSuccess: () => {
      refresh();
      close();
    },
  });
  return (
    <Stack gap="md">
      <LeftOut leftOut={plan.leftOut} />
      <PlanView plan={plan.plan} fit={plan.fit} />
      {deploying.error && <FailureNotice error={deploying.error} title={text.refused} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={back} data-testid="deploy-back">
          {text.back}
        </Button>
        <Button loading={deploying.isPending} onClick={() => deploying.mutate()} data-testid="deploy-confirm">
          {text.confirm}
        </Button>
      </Group>
    </Stack>
  );
}

function LeftOut({ leftOut }: Pick<ServicePlan, 'leftOut'>): ReactNode {
  if (leftOut.length === 0) return null;
  return (
    <Alert
      color="yellow"
      variant="light"
      icon={<IconInfoCircle />}
      title={text.leftOut}
      data-testid="deploy-left-out"
    >
      <List size="sm">
        {leftOut.map(({ node, id, reason }) => (
          <List.Item key={id}>{text.leftOutItem(node, id, reason)}</List.Item>
        ))}
      </List>
    </Alert>
  );
}
