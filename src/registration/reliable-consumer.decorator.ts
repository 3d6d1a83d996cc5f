import type { ConsumerOptionsSource } from './consumer-options';

const METADATA = 'holdfast:reliable-consumer';

/** Every decorated method that was loaded: what no module provides is found by comparing with it at boot. */
const decorated: { readonly target: object; readonly methodName: string }[] = [];

/**
 * Makes a method of a provider or controller consume a queue reliably. `@ReliableConsumer('orders')` is enough.
 * The method gets the decoded message and a `MessageContext`; returning completes the message, throwing decides what becomes of it.
 */
export function ReliableConsumer(options: ConsumerOptionsSource): MethodDecorator {
  return (target, methodName, descriptor: PropertyDescriptor) => {
    const isStatic = typeof target === 'function';
    const method: unknown = descriptor.value;
    if (isStatic || typeof method !== 'function') {
      const { name } = isStatic ? target : (target.constructor as { name: string });
      throw new TypeError(
        `@ReliableConsumer on ${name}.${String(methodName)}: it is ${isStatic ? 'static' : 'no method'}; put it on a method of the instances of a class`,
      );
    }
    const earlier = readReliableConsumers(method);
    Reflect.defineMetadata(METADATA, [...earlier, options], method);
    decorated.push({ target, methodName: String(methodName) });
  };
}

export function readReliableConsumers(method: unknown): readonly ConsumerOptionsSource[] {
  if (typeof method !== 'function' && typeof method !== 'object') return [];
  if (method === null) return [];
  return (Reflect.getMetadata(METADATA, method) as ConsumerOptionsSource[] | undefined) ?? [];
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

/** `OrderHandlers.onOrder` for every decorated method whose class is not among `prototypes` nor a base of one of them. */
export function decoratedBeyond(prototypes: readonly object[]): string[] {
  return decorated
    .filter(({ target }) => !prototypes.some((known) => known === target || isBelow(known, target)))
    .map(({ target, methodName }) => `${(target.constructor as { name: string }).name}.${methodName}`);
}

function isBelow(prototype: object, base: object): boolean {
  return Object.prototype.isPrototypeOf.call(base, prototype);
}
