import type { AgreementStanding, AssessmentView } from '@medusa/protocol';
import { proportionOf, type Guarantee, type IndicatorEvent } from '../evaluation/index.ts';
import { budgetOf } from './report.ts';

type StandingFacts = {
  readonly guarantees: readonly Guarantee[];
  /** In order. */
  readonly assessments: readonly AssessmentView[];
  /** When this month began. */
  readonly monthMs: number;
  /** Those that this month's assessments name. */
  readonly events: readonly IndicatorEvent[];
};

/** As many as a chart shows. */
const mostWindows = 60;

/** How each guarantee stands: its latest windows, and what is left of this month's error budget. */
export function standingOf({
  guarantees,
  assessments,
  monthMs,
  events,
}: StandingFacts): AgreementStanding['guarantees'] {
  return guarantees.map((guarantee) => {
    const { name } = guarantee.term;
    const own = assessments.filter((assessment) => assessment.guarantee === name);
    const thisMonth = own.filter(({ windowTo }) => Date.parse(windowTo) > monthMs);
    return {
      name,
      target: proportionOf(guarantee.expression, guarantee.variables)?.target ?? null,
      budget: budgetOf(guarantee, thisMonth, events),
      windows: own.slice(-mostWindows),
    };
  });
}
