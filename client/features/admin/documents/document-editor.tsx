import { Badge, Group, Loader, Stack, Text, UnstyledButton } from '@mantine/core';
import { IconAlertTriangle, IconCircleX } from '@tabler/icons-react';
import { useId, useRef, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { offsetOf, type DocumentProblem } from './places.ts';
import './documents.css';

const text = strings.documents;
/** As many as somebody reads. */
const mostShown = 100;

type Props = {
  readonly label: string;
  readonly text: string;
  readonly change: (text: string) => void;
  /** null: not checked yet. */
  readonly problems: readonly DocumentProblem[] | null;
  readonly isChecking: boolean;
  /** What there is to say when nothing is wrong. */
  readonly good: string;
};

/** XML or JSON with line numbers; a problem that is chosen puts the cursor where it is. */
export function DocumentEditor({
  label,
  text: written,
  change,
  problems,
  isChecking,
  good,
}: Props): ReactNode {
  const area = useRef<HTMLTextAreaElement>(null);
  const gutter = useRef<HTMLDivElement>(null);
  const listId = useId();
  const lines = written.split('\n').length;
  const marks = new Map((problems ?? []).map(({ line, severity }) => [line, severity]));
  const goTo = ({ line, column }: DocumentProblem): void => {
    const element = area.current;
    if (!element || line === null) return;
    const offset = offsetOf(written, { line, column: column ?? 1 });
    element.focus();
    element.setSelectionRange(offset, offset);
    // Browsers do not scroll to a cursor that was set.
    element.scrollTop = Math.max(0, (element.scrollHeight / lines) * (line - 6));
  };
  return (
    <Stack gap="xs">
      <div className="document-editor">
        <div ref={gutter} className="document-gutter" aria-hidden="true">
          {Array.from({ length: lines }, (_none, index) => (
            <span key={index} data-severity={marks.get(index + 1)}>
              {index + 1}
            </span>
          ))}
        </div>
        <textarea
          ref={area}
          className="document-text"
          aria-label={label}
          aria-describedby={listId}
          value={written}
          onChange={(event) => change(event.currentTarget.value)}
          onScroll={(event) => {
            if (gutter.current) gutter.current.scrollTop = event.currentTarget.scrollTop;
          }}
          spellCheck={false}
          autoComplete="off"
          wrap="off"
          rows={18}
          data-testid="document-text"
        />
      </div>
      <div id={listId} role="status">
        <Group gap="xs" mih={24}>
          {isChecking && <Loader size="xs" aria-label={text.checking} />}
          {problems !== null && <Verdict problems={problems} good={good} />}
        </Group>
      </div>
      <ProblemList problems={problems ?? []} goTo={goTo} />
    </Stack>
  );
}

function Verdict({ problems, good }: { problems: readonly DocumentProblem[]; good: string }): ReactNode {
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const warnings = problems.length - errors;
  return (
    <>
      {errors === 0 && (
        <Badge color="teal" variant="light" radius="sm" data-testid="document-good">
          {good}
        </Badge>
      )}
      {errors > 0 && (
        <Badge color="red" variant="light" radius="sm" data-testid="document-errors">
          {text.errors(errors)}
        </Badge>
      )}
      {warnings > 0 && (
        <Badge color="yellow" variant="light" radius="sm">
          {text.warnings(warnings)}
        </Badge>
      )}
    </>
  );
}

function ProblemList(props: {
  problems: readonly DocumentProblem[];
  goTo: (problem: DocumentProblem) => void;
}): ReactNode {
  const { problems, goTo } = props;
  if (problems.length === 0) return null;
  return (
    <ul className="document-problems" aria-label={text.problems} data-testid="document-problems">
      {problems.slice(0, mostShown).map((problem, index) => (
        <li key={`${index} ${problem.pointer}`}>
          <UnstyledButton
            className="document-problem"
            onClick={() => goTo(problem)}
            disabled={problem.line === null}
            data-testid="document-problem"
            data-line={problem.line}
          >
            {problem.severity === 'error' ? (
              <IconCircleX size={16} color="var(--mantine-color-red-4)" aria-label={text.error} />
            ) : (
              <IconAlertTriangle size={16} color="var(--mantine-color-yellow-4)" aria-label={text.warning} />
            )}
            <Text span size="xs" c="dimmed" className="medusa-numeric">
              {problem.line === null ? problem.pointer : text.place(problem.line, problem.column ?? 1)}
            </Text>
            <Text span size="sm">
              {problem.message}
            </Text>
          </UnstyledButton>
        </li>
      ))}
      {problems.length > mostShown && (
        <Text size="xs" c="dimmed">
          {strings.provision.more(problems.length - mostShown)}
        </Text>
      )}
    </ul>
  );
}
