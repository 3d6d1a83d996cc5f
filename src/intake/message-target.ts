import { Problem } from '../access/access.module';
import type { ConsumerDefinition, HandlerDefinition } from '../registration/registration.module';

/** Where a message goes, and what it must say of itself to reach this handler there. */
export interface MessageTarget {
  readonly consumer: ConsumerDefinition;
  readonly handler: HandlerDefinition;
  /** The AMQP `type`. */
  readonly type: string | undefined;
}

/**
 * Finds the handler by the name of its queue or by its type.
 * @throws Problem 400 when nobody or more than one has it, saying which names there are.
 */
export function findTarget(name: string, consumers: readonly ConsumerDefinition[]): MessageTarget {
  const targets = consumers.flatMap(targetsOf);
  const fitting = targets.filter(({ consumer, type }) => consumer.queue === name || type === name);
  const [target, other] = fitting;
  if (!target) {
    const known = [...new Set(targets.map(nameOf))].sort();
    throw new Problem(
      400,
      'unknown-type',
      `Nobody handles ${JSON.stringify(name)}. ${known.length > 0 ? `Known are: ${known.join(', ')}.` : 'No handler is registered.'}`,
    );
  }
  if (!other) return target;
  // A queue's handler for whatever has no type of its own is what the queue's name means.
  const [rest, second] = fitting.filter(
    ({ consumer, type }) => consumer.queue === name && type === undefined,
  );
  if (rest && !second && fitting.every(({ consumer }) => consumer === rest.consumer)) return rest;
  const places = fitting.map(({ consumer, type }) => `${type ?? 'any type'} of queue ${consumer.queue}`);
  throw new Problem(
    400,
    'ambiguous-type',
    `${JSON.stringify(name)} may mean: ${places.join('; ')}. Name one that only one handler has.`,
  );
}

function targetsOf(consumer: ConsumerDefinition): MessageTarget[] {
  return consumer.handlers.flatMap((handler): MessageTarget[] =>
    handler.types.length === 0
      ? [{ consumer, handler, type: undefined }]
      : handler.types.map((type) => ({ consumer, handler, type })),
  );
}

function nameOf({ consumer, type }: MessageTarget): string {
  return type ?? consumer.queue;
}
