const LIMIT_BY_DEFAULT_SINCE = 4;
const DEFAULT_LIMIT = 20;

/** A policy as it lies over a queue. RabbitMQ merges at most one of users and one of operators. */
export interface Policy {
  readonly name: string;
  readonly isOperator: boolean;
}

/** What a policy says, and which one it is. */
export interface PolicyValue {
  readonly value: string | number;
  readonly policy: Policy;
}

/** A queue as the broker describes it. */
export interface QueueFacts {
  /** `quorum`, `classic` or `stream`. */
  readonly type: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** The definition in force, by key: what of it is in no policy's power here the broker has left out. */
  readonly policy: Readonly<Record<string, PolicyValue>>;
  /** Of a quorum queue: the nodes it lives on, and those of them that are up. */
  readonly members?: readonly string[] | undefined;
  readonly online?: readonly string[] | undefined;
  /** Major version of RabbitMQ. */
  readonly major: number;
}

/** One setting in force; `policy` where it is a policy's doing. */
export interface InForce<Value> {
  readonly value: Value;
  readonly policy?: Policy;
}

/** Durations in milliseconds; undefined where there is no such setting. */
export interface SettingsInForce {
  readonly messageTtl: InForce<number> | undefined;
  readonly maxLength: InForce<number> | undefined;
  readonly maxLengthBytes: InForce<number> | undefined;
  readonly expires: InForce<number> | undefined;
  readonly deliveryLimit: InForce<number> | undefined;
  readonly overflow: InForce<string>;
  /** Once it is full: it makes room, where it could refuse what comes. */
  readonly dropsOldest: boolean;
  readonly deadLetterExchange: InForce<string> | undefined;
  readonly deadLetterRoutingKey: InForce<string> | undefined;
  readonly deadLetterStrategy: InForce<string> | undefined;
}

/**
 * Which value counts where an argument and a policy both have one. Numbers: the smaller. What dead-letters: the argument.
 * `overflow`: the policy for a quorum queue, the argument for a classic one. `expires`: any (RabbitMQ 3.10 takes the policy's, 4
 * the smaller).
 */
export function settingsInForce(facts: QueueFacts): SettingsInForce {
  const isQuorum = facts.type === 'quorum';
  const overflow = (isQuorum ? policyFirst : argumentFirst)(facts, 'overflow') ?? { value: 'drop-head' };
  return {
    messageTtl: smaller(facts, 'message-ttl'),
    maxLength: smaller(facts, 'max-length'),
    maxLengthBytes: smaller(facts, 'max-length-bytes'),
    expires: smaller(facts, 'expires'),
    deliveryLimit: isQuorum ? limitInForce(facts) : undefined,
    overflow,
    // A quorum queue takes what it does not know, `reject-publish-dlx`, for the default.
    dropsOldest: isQuorum ? overflow.value !== 'reject-publish' : overflow.value === 'drop-head',
    deadLetterExchange: argumentFirst(facts, 'dead-letter-exchange'),
    deadLetterRoutingKey: argumentFirst(facts, 'dead-letter-routing-key'),
    deadLetterStrategy: isQuorum ? argumentFirst(facts, 'dead-letter-strategy') : undefined,
  };
}

/**
 * Since RabbitMQ 4 a quorum queue that names no limit has one, and a negative one is none and counts before any other. Up to 3
 * there is none by default, and a negative one gives up whatever comes back once.
 */
function limitInForce(facts: QueueFacts): InForce<number> | undefined {
  const named = smaller(facts, 'delivery-limit');
  if (facts.major < LIMIT_BY_DEFAULT_SINCE) return named;
  const values = [argumentOf(facts, 'delivery-limit'), facts.policy['delivery-limit']?.value];
  if (values.some((value) => (numberOf(value) ?? 0) < 0)) return undefined;
  return named ?? { value: DEFAULT_LIMIT };
}

function smaller(facts: QueueFacts, key: string): InForce<number> | undefined {
  const argument = numberOf(argumentOf(facts, key));
  const policy = facts.policy[key];
  const value = numberOf(policy?.value);
  if (policy && value !== undefined && (argument === undefined || value < argument))
    return { value, policy: policy.policy };
  return argument === undefined ? undefined : { value: argument };
}

function argumentFirst(facts: QueueFacts, key: string): InForce<string> | undefined {
  const argument = argumentOf(facts, key);
  return typeof argument === 'string' ? { value: argument } : ofPolicy(facts, key);
}

function policyFirst(facts: QueueFacts, key: string): InForce<string> | undefined {
  const argument = argumentOf(facts, key);
  const policy = ofPolicy(facts, key);
  // A policy that repeats the argument changes nothing, and is not to blame for it.
  if (policy && policy.value !== argument) return policy;
  return typeof argument === 'string' ? { value: argument } : undefined;
}

function ofPolicy(facts: QueueFacts, key: string): InForce<string> | undefined {
  const found = facts.policy[key];
  return found && { value: String(found.value), policy: found.policy };
}

function argumentOf(facts: QueueFacts, key: string): unknown {
  return facts.arguments[`x-${key}`];
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
