import { Injectable } from '@nestjs/common';
import { InjectConfig, type ConsumerConfig } from '../config/config.module';
import type { ConsumerDefinition } from './consumer-definition';
import { buildDefinitions, HandlerConfigurationError, type FoundHandler } from './definition-builder';

/** Every handler the application has at this moment, by queue. */
@Injectable()
export class HandlerRegistry {
  private readonly consumers = new Map<string, ConsumerDefinition>();
  private listener: ((definition: ConsumerDefinition) => void) | undefined;

  constructor(@InjectConfig('consumer') private readonly defaults: ConsumerConfig) {}

  /**
   * Adds all handlers of one or more queues.
   * @throws HandlerConfigurationError when one is wrong, or its queue has handlers already; then none is added.
   */
  add(found: readonly FoundHandler[]): ConsumerDefinition[] {
    const definitions = buildDefinitions(found, this.defaults);
    const taken = definitions.filter(({ queue }) => this.consumers.has(queue));
    if (taken.length > 0) {
      throw new HandlerConfigurationError(
        taken.map(
          ({ queue }) =>
            `the queue "${queue}" has handlers already (${handlerNames(this.consumers.get(queue))}); unregister them first, or use another queue`,
        ),
      );
    }
    for (const definition of definitions) {
      this.consumers.set(definition.queue, definition);
      this.listener?.(definition);
    }
    return definitions;
  }

  remove(queue: string): void {
    this.consumers.delete(queue);
  }

  get(queue: string): ConsumerDefinition | undefined {
    return this.consumers.get(queue);
  }

  all(): ConsumerDefinition[] {
    return [...this.consumers.values()];
  }

  /** Tells of everything there is, and of everything added later. */
  onAdded(listener: (definition: ConsumerDefinition) => void): void {
    this.listener = listener;
    for (const definition of this.all()) listener(definition);
  }
}

function handlerNames(definition: ConsumerDefinition | undefined): string {
  return (definition?.handlers ?? [])
    .map(({ className, methodName }) => `${className}.${methodName}`)
    .join(', ');
}
