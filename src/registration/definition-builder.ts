import { parseDuration, type Delivery } from '../message/message.module';
import type { ConsumerConfig } from '../config/config.module';
import type { ConsumerDefinition, HandlerDefinition, Invoke } from './consumer-definition';
import type { BatchConsumerOptions, ConsumerOptions, TypeSource } from './consumer-options';
import { optionProblems } from './options-check';
import { readRetryPolicy } from './retry-schedule';

/** A method with its options, as found by discovery, by the transport strategy or by `consumers.register`. */
export interface FoundHandler {
  readonly className: string;
  readonly methodName: string;
  readonly options: AnyOptions;
  /** Whether it takes many messages at once. Default false. */
  readonly isBatch?: boolean;
  readonly invoke: Invoke;
}

/** What one decorator takes and another does not is told apart by `optionProblems`. */
type AnyOptions = ConsumerOptions & Pick<BatchConsumerOptions, 'batchSize'>;

/** Stops the boot: one message with everything that is wrong, each line naming class, method and mend. */
export class HandlerConfigurationError extends Error {
  override readonly name = 'HandlerConfigurationError';

  constructor(readonly problems: readonly string[]) {
    super(
      `the message handlers are not configured correctly:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
  }
}

/** What belongs to the queue, not to one method: every handler of the queue that names it must name the same. */
const QUEUE_OPTIONS = [
  'typeFrom',
  'onUnknownType',
  'queueType',
  'declare',
  'concurrency',
  'prefetch',
  'deliveryLimit',
] as const;

const DEFAULT_GROUP_SIZE = 100;
/** While one group is at its commit the next one runs. */
const GROUPS_AT_ONCE = 2;
/**
 * Deliveries that the broker sends for each handler that runs at once. With twice the concurrency a consumer waits for acknowledgements
 * to be read: four times as many are handled 2.3 times as fast when a handler does nothing, and 1.5 times when it takes 5 ms. Still
 * more would wait in one process while others are idle.
 */
const AHEAD = 4;
/** Where they are taken in groups, one that waits for each that runs is enough. */
const GROUPS_AHEAD = 2;
const DEFAULT_RETRY = { delays: ['10s', '30s', '60s'] };

/**
 * Groups handlers by queue. Pure.
 * @throws HandlerConfigurationError with every wrong option, contradiction and doubled handler.
 */
export function buildDefinitions(
  found: readonly FoundHandler[],
  defaults: ConsumerConfig,
): ConsumerDefinition[] {
  const problems = found.flatMap((handler) =>
    optionProblems(handler.options, handler.isBatch).map((problem) => `${nameOf(handler)}: ${problem}`),
  );
  if (problems.length > 0) throw new HandlerConfigurationError(problems);

  const byQueue = new Map<string, FoundHandler[]>();
  for (const handler of found) {
    byQueue.set(handler.options.queue, [...(byQueue.get(handler.options.queue) ?? []), handler]);
  }
  const conflicts = [...byQueue].flatMap(([queue, handlers]) => [
    ...doubled(queue, handlers),
    ...disagreements(queue, handlers),
    ...contradictions(queue, handlers),
  ]);
  if (conflicts.length > 0) throw new HandlerConfigurationError(conflicts);
  return [...byQueue].map(([queue, handlers]) => define(queue, handlers, defaults));
}

function define(queue: string, found: readonly FoundHandler[], defaults: ConsumerConfig): ConsumerDefinition {
  const shared = <K extends (typeof QUEUE_OPTIONS)[number]>(key: K): ConsumerOptions[K] =>
    found.find(({ options }) => options[key] !== undefined)?.options[key];
  const together = Math.max(...found.map((one) => batchSizeOf(one) ?? groupSizeOf(one.options)));
  const wanted = together === 1 ? defaults.concurrency : together * GROUPS_AT_ONCE;
  const concurrency = shared('concurrency') ?? Math.min(wanted, shared('prefetch') ?? Infinity);
  return {
    queue,
    queueType: shared('queueType') ?? 'quorum',
    declare: shared('declare') ?? true,
    bindings: found.flatMap(({ options }) =>
      (options.bindings ?? []).map((binding) => ({ exchangeType: 'topic' as const, ...binding })),
    ),
    concurrency,
    prefetch: shared('prefetch') ?? Math.max(10, concurrency * (together === 1 ? AHEAD : GROUPS_AHEAD)),
    deliveryLimit: shared('deliveryLimit') ?? defaults.deliveryLimit,
    onUnknownType: shared('onUnknownType') ?? 'dead-letter',
    typeOf: typeReader(shared('typeFrom') ?? 'type'),
    handlers: found.map((handler) => defineHandler(handler, defaults)),
  };
}

function defineHandler(found: FoundHandler, defaults: ConsumerConfig): HandlerDefinition {
  const { className, methodName, options, invoke } = found;
  return {
    className,
    methodName,
    types: typesOf(options),
    schema: options.schema,
    authenticate: options.authenticate,
    retry: readRetryPolicy(options.retry ?? DEFAULT_RETRY),
    immediateRetries: options.immediateRetries ?? 0,
    classify: options.classify ?? [],
    idempotency: options.idempotency ?? 'transactional',
    commit: options.commit ?? 'own',
    groupSize: groupSizeOf(options),
    transactionId: options.transactionId,
    onMissingTransactionId: options.onMissingTransactionId ?? 'dead-letter',
    timeoutMs: options.timeout === undefined ? defaults.timeoutMs : parseDuration(options.timeout),
    batchSize: batchSizeOf(found),
    invoke,
  };
}

function groupSizeOf({ commit, groupSize, ...window }: ConsumerOptions): number {
  return commit === 'shared' ? (groupSize ?? fitting(window)) : 1;
}

function batchSizeOf({ isBatch = false, options }: FoundHandler): number | undefined {
  return isBatch ? (options.batchSize ?? fitting(options)) : undefined;
}

function fitting({ concurrency, prefetch }: Pick<ConsumerOptions, 'concurrency' | 'prefetch'>): number {
  return Math.min(DEFAULT_GROUP_SIZE, concurrency ?? Infinity, prefetch ?? Infinity);
}

function doubled(queue: string, handlers: readonly FoundHandler[]): string[] {
  if (handlers.length < 2) return [];
  const problems: string[] = [];
  const catchAll = handlers.filter(({ options }) => typesOf(options).length === 0);
  if (catchAll.length > 1) {
    const names = catchAll.map(nameOf);
    const mend =
      new Set(names).size === 1
        ? 'it is one method of two instances, so provide the class in one module and import that one'
        : 'give each its own `type`, or its own queue';
    problems.push(
      `the queue "${queue}" has ${catchAll.length} handlers without a type: ${names.join(', ')}; ${mend}`,
    );
  }
  const owners = new Map<string, FoundHandler>();
  for (const handler of handlers) {
    for (const type of typesOf(handler.options)) {
      const other = owners.get(type);
      if (other) {
        problems.push(
          `the type "${type}" of the queue "${queue}" is taken by ${nameOf(other)} and by ${nameOf(handler)}; keep one of them`,
        );
      }
      owners.set(type, handler);
    }
  }
  return problems;
}

function disagreements(queue: string, handlers: readonly FoundHandler[]): string[] {
  return QUEUE_OPTIONS.flatMap((key) => {
    const [first, ...others] = handlers.filter(({ options }) => options[key] !== undefined);
    const other = others.find(({ options }) => !isSame(options[key], first?.options[key]));
    if (!first || !other) return [];
    return [
      `${nameOf(first)} and ${nameOf(other)} disagree on \`${key}\` of the queue "${queue}"; it belongs to the queue, so name it once`,
    ];
  });
}

/** What no handler says alone, but two say together. */
function contradictions(queue: string, handlers: readonly FoundHandler[]): string[] {
  const naming = (key: (typeof QUEUE_OPTIONS)[number]) =>
    handlers.find(({ options }) => options[key] !== undefined);
  const problems: string[] = [];
  const ahead = naming('prefetch');
  const atOnce = naming('concurrency');
  if (ahead && atOnce && Number(ahead.options.prefetch) < Number(atOnce.options.concurrency)) {
    problems.push(
      `the queue "${queue}": prefetch (${String(ahead.options.prefetch)}) of ${nameOf(ahead)} is below concurrency (${String(atOnce.options.concurrency)}) of ${nameOf(atOnce)}: some handlers could never run; raise prefetch or leave it out`,
    );
  }
  const judge = naming('onUnknownType');
  const rest = handlers.find(({ options }) => typesOf(options).length === 0);
  if (judge && rest) {
    problems.push(
      `the queue "${queue}": onUnknownType of ${nameOf(judge)} has no effect, because ${nameOf(rest)} has no type and takes every message; leave it out`,
    );
  }
  return problems;
}

function isSame(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === 'object' && JSON.stringify(a) === JSON.stringify(b));
}

function typesOf({ type }: ConsumerOptions): readonly string[] {
  if (type === undefined) return [];
  return typeof type === 'string' ? [type] : [...new Set(type)];
}

function typeReader(source: TypeSource): (delivery: Delivery) => string | undefined {
  if (typeof source === 'function') return source;
  if (source === 'type') return ({ properties }) => properties.type;
  return ({ headers }) => {
    const value = headers[source.header];
    return typeof value === 'string' ? value : undefined;
  };
}

function nameOf({ className, methodName }: FoundHandler): string {
  return `${className}.${methodName}`;
}
