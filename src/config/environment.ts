import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { formatDuration } from '../message/message.module';
import { parseApiKeys } from './api-keys';
import { EnvironmentError, type EnvironmentProblem } from './environment-error';
import { environmentSchema } from './environment.schema';
import { nearestName } from './nearest-name';
import { variables, type Variable } from './variable';

export type EnvironmentSource = Readonly<Record<string, string | undefined>>;

/** The whole environment, read and checked. */
export type Environment = Readonly<z.output<typeof environmentSchema>> & {
  /** Legal but risky or probably mistyped; logged at boot. */
  readonly warnings: readonly string[];
};

type Group = keyof typeof environmentSchema.shape;

/**
 * Reads and checks the environment. An empty variable counts as absent, as compose files and charts write it.
 * @throws EnvironmentError naming every wrong value at once.
 */
export function readEnvironment(
  source: EnvironmentSource = process.env,
  readFile: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): Environment {
  const problems: EnvironmentProblem[] = [];
  const input: Record<string, Record<string, string | undefined>> = {};
  for (const { group, key, variable } of describeEnvironment()) {
    (input[group] ??= {})[key] = readVariable(variable, source, readFile, problems);
  }
  const parsed = environmentSchema.safeParse(input);
  for (const issue of parsed.error?.issues ?? []) {
    const [group, key] = issue.path.map(String) as [Group, string];
    const { variable } = describeVariable(group, key);
    problems.push({ variable, value: input[group]?.[key], expectation: issue.message });
  }
  if (!parsed.success) throw new EnvironmentError(problems);
  problems.push(...contradictions(parsed.data));
  if (problems.length > 0) throw new EnvironmentError(problems);
  return {
    ...parsed.data,
    warnings: [...unknownNames(source), ...risks(parsed.data, input.access?.apiKeys)],
  };
}

/** Every variable in the order of the schema: what the documentation is made from. */
export function describeEnvironment(): { group: Group; key: string; variable: Variable }[] {
  return (Object.keys(environmentSchema.shape) as Group[]).flatMap((group) =>
    Object.keys(environmentSchema.shape[group].unwrap().shape).map((key) => describeVariable(group, key)),
  );
}

function describeVariable(group: Group, key: string): { group: Group; key: string; variable: Variable } {
  const shape = environmentSchema.shape[group].unwrap().shape as Readonly<Record<string, z.ZodType>>;
  const schema = shape[key];
  const variable = schema && variables.get(schema);
  if (!variable) throw new Error(`environment.schema.ts: ${group}.${key} was not made with variable()`);
  return { group, key, variable };
}

function readVariable(
  variable: Variable,
  source: EnvironmentSource,
  readFile: (path: string) => string,
  problems: EnvironmentProblem[],
): string | undefined {
  const value = source[variable.name]?.trim();
  const fileName = `${variable.name}_FILE`;
  const path = variable.secret ? source[fileName]?.trim() : undefined;
  if (!path) return value === '' ? undefined : value;
  const file = { ...variable, name: fileName, secret: false };
  if (value) {
    problems.push({
      variable: file,
      value: path,
      expectation: `either ${variable.name} or ${fileName}, not both`,
    });
    return undefined;
  }
  try {
    const content = readFile(path).trim();
    if (content !== '') return content;
    problems.push({ variable: file, value: path, expectation: 'a file that is not empty' });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    problems.push({ variable: file, value: path, expectation: `a file that can be read (${reason})` });
  }
  return undefined;
}

/** Values that are right alone and wrong together. */
function contradictions(environment: z.output<typeof environmentSchema>): EnvironmentProblem[] {
  const { retentionMs, replayWindowMs } = environment.idempotency;
  if (retentionMs >= replayWindowMs) return [];
  const { variable } = describeVariable('idempotency', 'retentionMs');
  const expectation = `at least HOLDFAST_REPLAY_WINDOW (${formatDuration(replayWindowMs)}): a message replayed after it was forgotten would take effect twice`;
  return [{ variable, value: formatDuration(retentionMs), expectation }];
}

/** Values that work and that one should know about. */
function risks(environment: z.output<typeof environmentSchema>, keys: string | undefined): string[] {
  const warnings = parseApiKeys(keys ?? '').warnings.map((warning) => `HOLDFAST_API_KEYS: ${warning}`);
  const { timeoutMs, concurrency } = environment.consumer;
  const { shutdownGraceMs } = environment.service;
  if (timeoutMs > shutdownGraceMs) {
    warnings.push(
      `HOLDFAST_TIMEOUT (${formatDuration(timeoutMs)}) is longer than HOLDFAST_SHUTDOWN_GRACE (${formatDuration(shutdownGraceMs)}): ` +
        'a handler that runs that long at a shutdown is interrupted, and its message is handled again',
    );
  }
  if (concurrency > environment.database.poolSize) {
    warnings.push(
      `HOLDFAST_CONCURRENCY (${String(concurrency)}) is more than HOLDFAST_DATABASE_POOL (${String(environment.database.poolSize)}): ` +
        'transactional handlers will wait for a database connection',
    );
  }
  return warnings;
}

/** Kubernetes injects the first two for a service named holdfast; the others belong to this project's own scripts and tests. */
const FOREIGN_NAMES = /^HOLDFAST_(SERVICE_|PORT|TEST_|DEMO_|BENCH_|SERVERS?_)/;

function unknownNames(source: EnvironmentSource): string[] {
  const known = describeEnvironment().flatMap(({ variable }) =>
    variable.secret ? [variable.name, `${variable.name}_FILE`] : [variable.name],
  );
  return Object.keys(source)
    .filter((name) => name.startsWith('HOLDFAST_') && !FOREIGN_NAMES.test(name) && !known.includes(name))
    .sort()
    .map((name) => {
      // Only secrets are read from files: FOO_FILE of another variable is a mistake for FOO.
      const nearest = nearestName(name.replace(/_FILE$/, ''), known);
      return `${name} is not a setting of Holdfast and was ignored${nearest ? `; did you mean ${nearest}?` : ''}`;
    });
}
