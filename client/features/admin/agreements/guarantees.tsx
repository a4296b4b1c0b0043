import { Group, Paper, Stack, Text } from '@mantine/core';
import type { AgreementView, GuaranteeTerm } from '@medusa/protocol';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { useServices } from '../../../ui/services.tsx';
import { Facts } from '../facts.tsx';
import { formatInstant } from '../format-instant.ts';
import { Loaded } from '../provision/loaded.tsx';
import { BurnChart, WindowStrip } from './burn-chart.tsx';
import { LeftOutOf } from './left-out.tsx';
import {
  figureText,
  guaranteeTermsOf,
  objectiveText,
  stateOf,
  undetermined,
  type GuaranteeStanding,
} from './standing.ts';
import { GuaranteeBadge } from './state-badges.tsx';
import { useOfAgreements, useStanding } from './use-agreements.ts';

const text = strings.agreements;
const mostAlerts = 20;

/** How each guarantee stands, why, and what is left of its error budget. */
export function Guarantees({ agreement: { id, document } }: { agreement: AgreementView }): ReactNode {
  const standing = useStanding(id);
  const terms = guaranteeTermsOf(document.terms);
  if (terms.length === 0) return <Text c="dimmed">{text.noGuarantees}</Text>;
  return (
    <Loaded query={standing}>
      {({ guarantees }) => (
        <>
          {terms.map((term) => (
            <GuaranteeCard
              key={term.name}
              agreement={id}
              term={term}
              standing={guarantees.find(({ name }) => name === term.name) ?? unknownStanding(term.name)}
            />
          ))}
          <Alerts id={id} />
        </>
      )}
    </Loaded>
  );
}

function unknownStanding(name: string): GuaranteeStanding {
  return { name, target: null, budget: null, windows: [] };
}

type CardProps = {
  readonly agreement: string;
  readonly term: GuaranteeTerm;
  readonly standing: GuaranteeStanding;
};

function GuaranteeCard({ agreement, term, standing }: CardProps): ReactNode {
  const { name, qualifyingCondition, obligated, scopes } = term;
  const { windows, target } = standing;
  const latest = windows.at(-1);
  const state = stateOf(standing);
  const services = scopes.map(({ serviceName, item }) =>
    item === undefined ? serviceName : `${serviceName}/${item}`,
  );
  return (
    <Paper
      component="section"
      bg="var(--medusa-surface)"
      withBorder
      p="md"
      aria-label={name}
      data-testid="guarantee"
      data-name={name}
      data-state={state}
    >
      <Stack gap="sm">
        <Group gap="sm">
          <Text fw={600}>{name}</Text>
          <GuaranteeBadge state={state} />
          <Text size="sm" data-testid="guarantee-why">
            {whyText(term, standing)}
          </Text>
        </Group>
        <Facts
          facts={[
            [text.objective, objectiveText(term)],
            [text.figure, latest?.figures.map(figureText).join('; ') ?? strings.common.unknown],
            ...(qualifyingCondition === undefined ? [] : [[text.qualifying, qualifyingCondition] as const]),
            [text.scope, services.length === 0 ? text.everything : services.join(', ')],
            [text.obligated, text.obligatedNames[obligated]],
            [
              text.window,
              latest
                ? `${formatInstant(latest.windowFrom)} – ${formatInstant(latest.windowTo)}`
                : strings.common.unknown,
            ],
          ]}
        />
        {latest && (
          <LeftOutOf
            id={agreement}
            window={{ guarantee: name, windowTo: latest.windowTo, revision: latest.revision }}
          />
        )}
        {windows.length > 0 && <WindowStrip windows={windows} />}
        {target !== null && <Budget standing={standing} target={target} />}
      </Stack>
    </Paper>
  );
}

function whyText({ assessment }: GuaranteeTerm, standing: GuaranteeStanding): string {
  const state = stateOf(standing);
  if (state !== 'NotDetermined') return text.why[state];
  const reason = undetermined(standing.windows.at(-1), assessment);
  return reason === 'too-few' ? text.why[reason](assessment.minimumSamples) : text.why[reason];
}

function Budget({ standing, target }: { standing: GuaranteeStanding; target: number }): ReactNode {
  const { budget, windows } = standing;
  return (
    <>
      <Text size="sm" data-testid="guarantee-budget" {...(budget && budget.left < 0 ? { c: 'red.4' } : {})}>
        {budget
          ? text.budget(
              strings.capacity.percent(budget.left),
              String(budget.used),
              String(Number(budget.allowed.toPrecision(3))),
            )
          : text.noBudget}
      </Text>
      {windows.length > 0 && <BurnChart windows={windows} target={target} />}
    </>
  );
}

function Alerts({ id }: { id: string }): ReactNode {
  const { api } = useServices();
  const alerts = useOfAgreements(['alerts', id], async (signal) => api.agreements.alerts(id, signal));
  return (
    <section aria-label={text.alerts}>
      <Text fw={600} mb={4}>
        {text.alerts}
      </Text>
      <Loaded query={alerts}>
        {(known) =>
          known.length === 0 ? (
            <Text size="sm" c="dimmed">
              {text.noAlerts}
            </Text>
          ) : (
            <ul className="event-lines" data-testid="agreement-alerts">
              {known.slice(0, mostAlerts).map(({ at, kind, guarantee, text: words }) => (
                <li key={`${at} ${kind} ${guarantee}`}>
                  <Text size="xs" c="dimmed" className="medusa-numeric">
                    {formatInstant(at)}
                  </Text>
                  <Text size="xs" c={kind === 'ticket' ? 'yellow.4' : 'red.4'}>
                    {text.alertKinds[kind]}
                  </Text>
                  <Text size="sm">{words}</Text>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </section>
  );
}
