import { Injectable, Optional, type ArgumentsHost } from '@nestjs/common';
import { EXCEPTION_FILTERS_METADATA } from '@nestjs/common/constants';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import { PATTERN_HANDLER_METADATA, TRANSPORT_METADATA } from '@nestjs/microservices/constants';
import { lastValueFrom, isObservable, throwError, type Observable } from 'rxjs';
import type { MessageContext } from '../message/message.module';
import type { ConsumerOptions } from './consumer-options';
import { HandlerConfigurationError, type FoundHandler } from './definition-builder';
import { HandlerRegistry } from './handler-registry';

/** The transport of `@EventPattern(pattern, HOLDFAST, options)`. */
export const HOLDFAST = Symbol('HOLDFAST');

/**
 * Lets an error out as it was thrown. Nest would make it `{ status: 'error', message: 'Internal server error' }`, and a filter of the
 * application that returns a value, or a promise, would make the failure a success: acknowledged and lost.
 */
class ErrorsAsThrown {
  catch(error: unknown, _host: ArgumentsHost): Observable<never> {
    return throwError(() => error);
  }
}

/**
 * Gives `@EventPattern(pattern, HOLDFAST, options)` handlers of an existing app the same pipeline:
 * `app.connectMicroservice({ strategy: app.get(HoldfastStrategy) })`. The pattern is the queue; where the options name a queue, it is the type.
 */
@Injectable()
export class HoldfastStrategy extends Server implements CustomTransportStrategy {
  override readonly transportId = HOLDFAST;

  constructor(
    private readonly registry: HandlerRegistry,
    @Optional() discovery?: DiscoveryService,
    @Optional() scanner?: MetadataScanner,
  ) {
    super();
    // Nest reads filters when the microservice is connected, which is before any life-cycle hook runs.
    if (discovery && scanner) keepErrors(discovery, scanner);
  }

  /** Calls back at once: consuming starts, and goes on trying, in the background. */
  listen(callback: (error?: unknown) => void): void {
    try {
      this.registry.add([...this.messageHandlers].map(([pattern, handler]) => found(pattern, handler)));
      callback();
    } catch (error) {
      callback(error);
    }
  }

  /** Draining is the consumers' own work, and over by now. */
  close(): void {
    this.messageHandlers.clear();
  }

  override on(): never {
    throw new Error('the Holdfast transport has no events of its own; inject EventBus and listen there');
  }

  override unwrap<T>(): T {
    throw new Error('the Holdfast transport wraps no single connection; inject what you need instead');
  }
}

function found(pattern: string, handler: MessageHandler): FoundHandler {
  const extras = (handler.extras ?? {}) as Partial<ConsumerOptions>;
  const name = `@EventPattern(${JSON.stringify(pattern)}, HOLDFAST)`;
  if (handler.next) {
    throw new HandlerConfigurationError([
      `${name} is on several methods, which would succeed or fail together; give each its own queue, or a type`,
    ]);
  }
  if (!handler.isEventHandler) {
    throw new HandlerConfigurationError([
      `${name}: use @EventPattern; @MessagePattern expects an answer, which a queue cannot give`,
    ]);
  }
  return {
    className: '@EventPattern',
    methodName: pattern,
    options:
      extras.queue === undefined
        ? { ...extras, queue: pattern }
        : ({ type: pattern, ...extras } as ConsumerOptions),
    invoke: async (payload: unknown, context: MessageContext) => {
      const result: unknown = await handler(payload, context);
      if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
    },
  };
}

function keepErrors(discovery: DiscoveryService, scanner: MetadataScanner): void {
  for (const { metatype } of discovery.getControllers()) {
    if (typeof metatype !== 'function') continue;
    const prototype = metatype.prototype as Record<string, object>;
    for (const methodName of scanner.getAllMethodNames(prototype)) {
      const method = prototype[methodName];
      if (!method || Reflect.getMetadata(TRANSPORT_METADATA, method) !== HOLDFAST) continue;
      if (Reflect.getMetadata(PATTERN_HANDLER_METADATA, method) === undefined) continue;
      const filters =
        (Reflect.getMetadata(EXCEPTION_FILTERS_METADATA, method) as unknown[] | undefined) ?? [];
      if (filters.some((filter) => filter instanceof ErrorsAsThrown)) continue;
      // The last filter of a method is asked first.
      Reflect.defineMetadata(EXCEPTION_FILTERS_METADATA, [...filters, catchAll()], method);
    }
  }
}

function catchAll(): ErrorsAsThrown {
  return new ErrorsAsThrown();
}
