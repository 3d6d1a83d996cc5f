import { Injectable } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { DiscoveryService, MetadataScanner, ModuleRef } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper';
import type { MessageContext, MiddlewareHandler } from '../message/message.module';
import { asMiddleware, readMessageMiddleware, type OrderedMiddleware } from '../middleware/middleware.module';
import type { ConsumerOptions, ConsumerOptionsSource } from './consumer-options';
import { HandlerConfigurationError, type FoundHandler } from './definition-builder';
import { decoratedBeyond, readReliableConsumers } from './reliable-consumer.decorator';

export interface FoundMiddleware extends OrderedMiddleware {
  /** Undefined: every queue. */
  readonly queues: readonly string[] | undefined;
}

/** Finds decorated methods and middleware classes among all providers and controllers of the application. */
@Injectable()
export class HandlerExplorer {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly moduleRef: ModuleRef,
  ) {}

  /**
   * @param mayIgnore true where several applications share one process, as in tests: a class of another one is no mistake.
   * @throws HandlerConfigurationError when a decorated class cannot be called: no module provides it, or it is request-scoped.
   */
  findHandlers(mayIgnore: boolean): FoundHandler[] {
    const problems: string[] = [];
    const found = this.wrappers().flatMap((wrapper) => {
      const methods = this.decoratedMethods(wrapper);
      if (methods.length > 0 && !wrapper.isDependencyTreeStatic()) {
        problems.push(
          `${className(wrapper)} is request-scoped, so there is no instance to give messages to; give it and what it injects the default scope`,
        );
        return [];
      }
      return methods.flatMap(({ methodName, sources }) =>
        sources.map((source) => this.found(wrapper.instance as object, methodName, source)),
      );
    });
    if (!mayIgnore) {
      const prototypes = this.wrappers().map((wrapper) => prototypeOf(wrapper));
      for (const name of decoratedBeyond(prototypes)) {
        problems.push(
          `${name} has @ReliableConsumer, but no module provides its class; add it to the providers of a module, or to HoldfastModule.forRoot({ handlers: [...] })`,
        );
      }
    }
    if (problems.length > 0) throw new HandlerConfigurationError(problems);
    return found;
  }

  findMiddleware(): FoundMiddleware[] {
    return this.wrappers().flatMap((wrapper) => {
      const metadata = readMessageMiddleware(wrapper.metatype);
      if (!metadata) return [];
      return [{ ...metadata, middleware: asMiddleware(wrapper.instance as MiddlewareHandler) }];
    });
  }

  private wrappers(): InstanceWrapper[] {
    const all = [...this.discovery.getProviders(), ...this.discovery.getControllers()];
    // One class may be provided in several modules; each distinct instance counts once.
    const seen = new Set<unknown>();
    return all.filter((wrapper) => {
      const isClass = typeof wrapper.metatype === 'function' && 'prototype' in wrapper.metatype;
      const key: unknown = wrapper.isDependencyTreeStatic() ? wrapper.instance : wrapper;
      if (!isClass || key === undefined || key === null || seen.has(key)) return false;
      seen.add(key);
      return true;
    });
  }

  private decoratedMethods(
    wrapper: InstanceWrapper,
  ): { methodName: string; sources: readonly ConsumerOptionsSource[] }[] {
    const prototype = prototypeOf(wrapper);
    return this.scanner
      .getAllMethodNames(prototype)
      .map((methodName) => ({
        methodName,
        sources: readReliableConsumers((prototype as Record<string, unknown>)[methodName]),
      }))
      .filter(({ sources }) => sources.length > 0);
  }

  private found(instance: object, methodName: string, source: ConsumerOptionsSource): FoundHandler {
    const { name } = instance.constructor;
    return {
      className: name,
      methodName,
      options: this.optionsOf(source, `${name}.${methodName}`),
      invoke: (payload: unknown, context: MessageContext) =>
        (instance as Record<string, (payload: unknown, context: MessageContext) => unknown>)[methodName]?.(
          payload,
          context,
        ),
    };
  }

  private optionsOf(source: ConsumerOptionsSource, name: string): ConsumerOptions {
    try {
      const options = typeof source === 'function' ? source(this.configuration()) : source;
      return typeof options === 'string' ? { queue: options } : options;
    } catch (error) {
      throw new HandlerConfigurationError([
        `${name}: the function that makes its options failed: ${error instanceof Error ? error.message : String(error)}`,
      ]);
    }
  }

  /** The application's own ConfigService where it has one; else one over the environment. */
  private configuration(): ConfigService {
    try {
      return this.moduleRef.get(ConfigService, { strict: false });
    } catch {
      return new ConfigService();
    }
  }
}

function prototypeOf(wrapper: InstanceWrapper): object {
  const instance: unknown = wrapper.isDependencyTreeStatic() ? wrapper.instance : undefined;
  return instance !== undefined && instance !== null
    ? (Object.getPrototypeOf(instance) as object)
    : (wrapper.metatype as { prototype: object }).prototype;
}

function className(wrapper: InstanceWrapper): string {
  return (wrapper.metatype as { name: string }).name;
}
