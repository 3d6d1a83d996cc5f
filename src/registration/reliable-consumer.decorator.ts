import type {
  BatchConsumerOptionsSource,
  BatchHandlerFunction,
  ConsumerOptionsSource,
} from './consumer-options';

const METADATA = 'holdfast:reliable-consumer';

/** What one decorator says of a method. */
export interface ConsumerMark {
  readonly source: ConsumerOptionsSource | BatchConsumerOptionsSource;
  readonly isBatch: boolean;
}

/** Every decorated method that was loaded: what no module provides is found by comparing with it at boot. */
const decorated: { readonly target: object; readonly methodName: string; readonly isBatch: boolean }[] = [];

/**
 * Makes a method of a provider or controller consume a queue reliably. `@ReliableConsumer('orders')` is enough.
 * The method gets the decoded message and a `MessageContext`; returning completes the message, throwing decides what becomes of it.
 */
export function ReliableConsumer(options: ConsumerOptionsSource): MethodDecorator {
  return (target, methodName, descriptor: PropertyDescriptor) => {
    mark(target, methodName, descriptor, { source: options, isBatch: false });
  };
}

/**
 * As `@ReliableConsumer`, for a method that takes many messages at once: `(messages: Order[], ctx: BatchContext)`. They run in one
 * transaction. Returning nothing completes them all; returning an entry for each says which of them failed (`BatchResult`); throwing rolls
 * everything back, and halves the batch until the message that does it stands alone.
 */
export function ReliableBatchConsumer(options: BatchConsumerOptionsSource) {
  return <Method extends BatchHandlerFunction<never>>(
    target: object,
    methodName: string | symbol,
    descriptor: TypedPropertyDescriptor<Method>,
  ): void => {
    mark(target, methodName, descriptor, { source: options, isBatch: true });
  };
}

export function readReliableConsumers(method: unknown): readonly ConsumerMark[] {
  if (typeof method !== 'function' && typeof method !== 'object') return [];
  if (method === null) return [];
  return (Reflect.getMetadata(METADATA, method) as ConsumerMark[] | undefined) ?? [];
}

/** Whether a class, or one that it extends, has a decorated method. */
export function hasReliableConsumers(candidate: unknown): boolean {
  if (typeof candidate !== 'function') return false;
  const { prototype } = candidate as { prototype?: object };
  return (
    prototype !== undefined &&
    decorated.some(({ target }) => target === prototype || isBelow(prototype, target))
  );
}

/** `OrderHandlers.onOrder has @ReliableConsumer` for every decorated method whose class is not among `prototypes` nor a base of one of them. */
export function decoratedBeyond(prototypes: readonly object[]): string[] {
  return decorated
    .filter(({ target }) => !prototypes.some((known) => known === target || isBelow(known, target)))
    .map(
      ({ target, methodName, isBatch }) => `${classOf(target)}.${methodName} has ${decoratorName(isBatch)}`,
    );
}

export function decoratorName(isBatch: boolean): string {
  return isBatch ? '@ReliableBatchConsumer' : '@ReliableConsumer';
}

function mark(
  target: object,
  methodName: string | symbol,
  descriptor: PropertyDescriptor,
  one: ConsumerMark,
): void {
  const isStatic = typeof target === 'function';
  const method: unknown = descriptor.value;
  if (isStatic || typeof method !== 'function') {
    const name = isStatic ? target.name : classOf(target);
    throw new TypeError(
      `${decoratorName(one.isBatch)} on ${name}.${String(methodName)}: it is ${isStatic ? 'static' : 'no method'}; put it on a method of the instances of a class`,
    );
  }
  Reflect.defineMetadata(METADATA, [...readReliableConsumers(method), one], method);
  decorated.push({ target, methodName: String(methodName), isBatch: one.isBatch });
}

function classOf(prototype: object): string {
  return (prototype.constructor as { name: string }).name;
}

function isBelow(prototype: object, base: object): boolean {
  return Object.prototype.isPrototypeOf.call(base, prototype);
}
