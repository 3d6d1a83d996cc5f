import type { Variable } from './variable';

export interface EnvironmentProblem {
  readonly variable: Variable;
  readonly value: string | undefined;
  readonly expectation: string;
}

/** The environment cannot be used. The message names every wrong value; secrets are masked. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';

  constructor(readonly problems: readonly EnvironmentProblem[]) {
    const count =
      problems.length === 1 ? '1 setting is wrong' : `${String(problems.length)} settings are wrong`;
    super(
      [`${count}:`, ...problems.map(describe), 'All settings and their defaults: docs/configuration.md'].join(
        '\n',
      ),
    );
  }
}

function describe({ variable, value, expectation }: EnvironmentProblem): string {
  const shown =
    value === undefined ? '(not set)' : JSON.stringify(variable.secret ? maskSecret(value) : value);
  return `  ${variable.name} = ${shown}: expected ${expectation}`;
}

/** Keeps of a URL what tells it apart, and nothing at all of what is not one: it may be a bare password. */
export function maskSecret(value: string): string {
  const scheme = /^[a-z]+:\/\//.exec(value)?.[0];
  if (!scheme) return '(hidden)';
  if (!value.includes('@') && !URL.canParse(value)) return `${scheme}***`;
  const place = value
    .slice(value.lastIndexOf('@') + 1)
    .replace(scheme, '')
    .replace(/\?.*$/s, '?***');
  return value.includes('@') ? `${scheme}***@${place}` : `${scheme}${place}`;
}
