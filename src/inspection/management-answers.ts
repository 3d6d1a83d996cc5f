import { z } from 'zod';
import type { Policy, PolicyValue, QueueFacts } from './settings-in-force';

/** An empty object of Erlang may be written as an empty list or text. */
const keyed = z.preprocess(
  (value) => (value === '' || value === null || (Array.isArray(value) && value.length === 0) ? {} : value),
  z.record(z.string(), z.unknown()),
);
const name = z.string().nullish();

const queueSchema = z.object({
  type: z.string(),
  arguments: keyed.default({}),
  policy: name,
  operator_policy: name,
  /** Some ten seconds after a declaration the broker tells it for the first time. */
  effective_policy_definition: keyed.optional(),
  members: z.array(z.string()).optional(),
  online: z.array(z.string()).optional(),
});
const policiesSchema = z.array(z.object({ name: z.string(), definition: keyed }));
const exchangeSchema = z.object({ policy: name });
const nodesSchema = z.array(z.object({ name: z.string() }));

/** The columns of a queue that are read; asked for by name, so that answers stay small. */
export const QUEUE_COLUMNS = Object.keys(queueSchema.shape).join(',');

/** Definitions by the name of their policy. */
export type Definitions = ReadonlyMap<string, Readonly<Record<string, unknown>>>;

/** All policies of a virtual host. */
export interface Policies {
  readonly users: Definitions;
  readonly operators: Definitions;
}

/** @throws z.ZodError */
export function readDefinitions(answer: unknown): Definitions {
  return new Map(policiesSchema.parse(answer).map(({ name, definition }) => [name, definition]));
}

/** @throws z.ZodError */
export function readClusterSize(answer: unknown): number {
  return nodesSchema.parse(answer).length;
}

/** The name of the policy over an exchange. @throws z.ZodError */
export function readExchangePolicy(answer: unknown): string | undefined {
  return exchangeSchema.parse(answer).policy ?? undefined;
}

/**
 * @param major version of RabbitMQ.
 * @returns undefined while the broker does not tell yet which policy is in force.
 * @throws z.ZodError
 */
export function readQueue(answer: unknown, policies: Policies, major: number): QueueFacts | undefined {
  const queue = queueSchema.parse(answer);
  const inForce = queue.effective_policy_definition;
  if (!inForce) return undefined;
  const policyOf = attribution(queue.policy ?? undefined, queue.operator_policy ?? undefined, policies);
  const policy: Record<string, PolicyValue> = {};
  for (const [key, value] of Object.entries(inForce)) {
    if (typeof value === 'number' || typeof value === 'string')
      policy[key] = { value, policy: policyOf(key, value) };
  }
  return {
    type: queue.type,
    arguments: queue.arguments,
    policy,
    members: queue.members,
    online: queue.online,
    major,
  };
}

/** The broker says which two policies it has merged, and not which of them a value is from. */
function attribution(
  user: string | undefined,
  operator: string | undefined,
  { users, operators }: Policies,
): (key: string, value: unknown) => Policy {
  return (key, value) => {
    const says = (definitions: Definitions, policy = ''): boolean => definitions.get(policy)?.[key] === value;
    const isOperator =
      operator !== undefined && (user === undefined || (says(operators, operator) && !says(users, user)));
    return { name: (isOperator ? operator : user) ?? '(unknown)', isOperator };
  };
}
