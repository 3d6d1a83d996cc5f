import { Injectable, type ArgumentsHost } from '@nestjs/common';
import { EXCEPTION_FILTERS_METADATA } from '@nestjs/common/constants';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import {
  PATTERN_EXTRAS_METADATA,
  PATTERN_HANDLER_METADATA,
  TRANSPORT_METADATA,
} from '@nestjs/microservices/constants';
import { throwError, type Observable } from 'rxjs';
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

interface Entry {
  readonly pattern: string;
  readonly handler: MessageHandler;
  readonly isEventHandler: boolean;
  readonly extras: object;
}

interface TaggedMethod {
  readonly className: string;
  readonly methodName: string;
}

/**
 * Gives `@EventPattern(pattern, HOLDFAST, options)` handlers of an existing app the same pipeline:
 * `app.connectMicroservice({ strategy: app.get(HoldfastStrategy) })`. The pattern is the queue; where the options name a queue, it is the type.
 */
@Injectable()
export class HoldfastStrategy extends Server implements CustomTransportStrategy {
  override readonly transportId = HOLDFAST;
  /** By the options object of the decorator, which is all of a method that Nest hands on to a transport. */
  private readonly tagged: ReadonlyMap<object, TaggedMethod>;
  private entries: Entry[] = [];

  constructor(
    private readonly registry: HandlerRegistry,
    discovery: DiscoveryService,
    scanner: MetadataScanner,
  ) {
    super();
    // Nest reads filters when the microservice is connected, which is before any life-cycle hook runs.
    this.tagged = keepErrors(discovery, scanner);
  }

  /** Not by pattern, as other transports: one type may belong to two queues. */
  override addHandler(
    pattern: unknown,
    handler: MessageHandler,
    isEventHandler = false,
    extras: object = {},
  ): void {
    this.entries.push({ pattern: this.normalizePattern(pattern as string), handler, isEventHandler, extras });
  }

  /** Calls back at once: consuming starts, and goes on trying, in the background. */
  listen(callback: (error?: unknown) => void): void {
    try {
      this.registry.add(this.entries.flatMap((entry) => this.found(entry)));
      callback();
    } catch (error) {
      callback(error);
    }
  }

  /** Draining is the consumers' own work, and over by now. */
  close(): void {
    this.entries = [];
  }

  override on(): never {
    throw new Error('the Holdfast transport has no events of its own; inject EventBus and listen there');
  }

  override unwrap<T>(): T {
    throw new Error('the Holdfast transport wraps no single connection; inject what you need instead');
  }

  private found({ pattern, handler, isEventHandler, extras }: Entry): FoundHandler[] {
    const method = this.tagged.get(extras);
    if (!method) {
      // Nest offers what names no transport to every one; a queue that nobody asked for would take another one's messages.
      if (isEventHandler) {
        this.logger.warn(
          `@EventPattern(${JSON.stringify(pattern)}) names no transport and is left to the others; for Holdfast write @EventPattern(${JSON.stringify(pattern)}, HOLDFAST)`,
        );
      }
      return [];
    }
    if (!isEventHandler) {
      throw new HandlerConfigurationError([
        `${method.className}.${method.methodName}: use @EventPattern; @MessagePattern expects an answer, which a queue cannot give`,
      ]);
    }
    const options = extras as Partial<ConsumerOptions>;
    return [
      {
        ...method,
        options:
          options.queue === undefined
            ? { ...options, queue: pattern }
            : ({ type: pattern, ...options } as ConsumerOptions),
        invoke: (payload, context) => handler(payload, context),
      },
    ];
  }
}

/** @returns the methods with a pattern of this transport, each now letting its errors out. */
function keepErrors(discovery: DiscoveryService, scanner: MetadataScanner): Map<object, TaggedMethod> {
  const tagged = new Map<object, TaggedMethod>();
  for (const { metatype } of discovery.getControllers()) {
    if (typeof metatype !== 'function') continue;
    const prototype = metatype.prototype as Record<string, object>;
    for (const methodName of scanner.getAllMethodNames(prototype)) {
      const method = prototype[methodName];
      if (!method || Reflect.getMetadata(TRANSPORT_METADATA, method) !== HOLDFAST) continue;
      if (Reflect.getMetadata(PATTERN_HANDLER_METADATA, method) === undefined) continue;
      const extras = Reflect.getMetadata(PATTERN_EXTRAS_METADATA, method) as object;
      tagged.set(extras, { className: metatype.name, methodName });
      const filters =
        (Reflect.getMetadata(EXCEPTION_FILTERS_METADATA, method) as unknown[] | undefined) ?? [];
      if (filters.some((filter) => filter instanceof ErrorsAsThrown)) continue;
      // The last filter of a method is asked first.
      Reflect.defineMetadata(EXCEPTION_FILTERS_METADATA, [...filters, new ErrorsAsThrown()], method);
    }
  }
  return tagged;
}
