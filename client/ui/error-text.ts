import { AppError, problems } from '@medusa/protocol';
import { strings } from '../strings/en.ts';

/** What to tell a user about a failure: what happened, and what to do. */
export function errorText(error: unknown): { title: string; help: string } {
  if (!(error instanceof AppError)) return { title: strings.errors.title, help: strings.errors.network };
  const { title, retry } = problems[error.code];
  const advice = retry ? strings.errors.withRetry : strings.errors.withoutRetry;
  const detail = error.message === title ? '' : `${error.message.replace(/\.?$/, '.')} `;
  return { title, help: `${detail}${advice}` };
}
