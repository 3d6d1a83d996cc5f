import { Injectable } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { DiscoveryService, MetadataScanner, ModuleRef } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper';
import { describeError, type MiddlewareHandler } from '../message/message.module';
import {
  asMiddleware,
  middlewareBeyond,
  readMessageMiddleware,
  type OrderedMiddleware,
} from '../middleware/middleware.module';
import type { ConsumerOptions } from './consumer-options';
import { HandlerConfigurationError, type FoundHandler } from './definition-builder';
import {
  decoratedBeyond,
  decoratorName,
  readReliableConsumers,
  type ConsumerMark,
} from './reliable-consumer.decorator';

export interface FoundMiddleware extends OrderedMiddleware {
  /** Undefined: every queue. */
  readonly queues: readonly string[] | undefined;
}

interface Candidate {
  readonly prototype: object;
  /** Undefined where every request, or everybody who injects it, has one of their own. */
  readonly instance: object | undefined;
  readonly name: string;
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
   * @throws HandlerConfigurationError when a decorated method cannot be called, or would silently not be.
   */
  findHandlers(mayIgnore: boolean): FoundHandler[] {
    const problems: string[] = [];
    const candidates = this.candidates();
    const found = candidates.flatMap((candidate) => {
      problems.push(...this.undecoratedOverrides(candidate));
      const methods = this.decoratedMethods(candidate.prototype);
      if (methods.length > 0 && !candidate.instance) {
        problems.push(...methods.map(({ methodName }) => unshared(`${candidate.name}.${methodName}`)));
        return [];
      }
      const { instance, name } = candidate;
      return methods.flatMap(({ methodName, marks }) =>
        marks.flatMap(({ source, isBatch }) => {
          const options = this.optionsOf(source, `${name}.${methodName}`, problems);
          return options && instance
            ? [{ ...foundHandler(instance, name, methodName), options, isBatch }]
            : [];
        }),
      );
    });
    if (!mayIgnore) {
      for (const unknown of decoratedBeyond(candidates.map(({ prototype }) => prototype))) {
        problems.push(
          `${unknown}, but no module provides its class; add it to the providers of a module, or to HoldfastModule.forRoot({ handlers: [...] })`,
        );
      }
    }
    if (problems.length > 0) throw new HandlerConfigurationError(problems);
    return found;
  }

  /**
   * @param mayIgnore as for `findHandlers`.
   * @throws HandlerConfigurationError when there is no one instance of a middleware class, or no module provides it.
   */
  findMiddleware(mayIgnore: boolean): FoundMiddleware[] {
    const problems: string[] = [];
    const candidates = this.candidates();
    const found = candidates.flatMap(({ prototype, instance, name }) => {
      const metadata = readMessageMiddleware(prototype.constructor);
      if (!metadata) return [];
      if (!instance) problems.push(unshared(name));
      return instance ? [{ ...metadata, middleware: asMiddleware(instance as MiddlewareHandler) }] : [];
    });
    if (!mayIgnore) {
      for (const name of middlewareBeyond(candidates.map(({ prototype }) => prototype))) {
        problems.push(
          `${name} has @MessageMiddleware, but no module provides it, so it would never run; add it to the providers of a module, or to HoldfastModule.forRoot({ handlers: [...] })`,
        );
      }
    }
    if (problems.length > 0) throw new HandlerConfigurationError(problems);
    return found;
  }

  /** Whatever the modules hold, however they make it; a class that is provided in several modules has as many instances. */
  private candidates(): Candidate[] {
    const wrappers = [...this.discovery.getProviders(), ...this.discovery.getControllers()];
    const seen = new Set<unknown>();
    return wrappers.flatMap((wrapper) => {
      const candidate = toCandidate(wrapper);
      const key = candidate?.instance ?? candidate?.prototype;
      if (!candidate || seen.has(key)) return [];
      seen.add(key);
      return [candidate];
    });
  }

  private decoratedMethods(prototype: object): { methodName: string; marks: readonly ConsumerMark[] }[] {
    return this.scanner
      .getAllMethodNames(prototype)
      .map((methodName) => ({ methodName, marks: readReliableConsumers(methodOf(prototype, methodName)) }))
      .filter(({ marks }) => marks.length > 0);
  }

  /** A decorator stays with the method it stands on: what overrides it would silently consume nothing. */
  private undecoratedOverrides({ prototype, name }: Candidate): string[] {
    return this.scanner
      .getAllMethodNames(prototype)
      .filter((methodName) => readReliableConsumers(methodOf(prototype, methodName)).length === 0)
      .flatMap((methodName) => {
        const base = basesOf(prototype).find(
          (one) =>
            Object.hasOwn(one, methodName) && readReliableConsumers(methodOf(one, methodName)).length > 0,
        );
        const [mark] = base ? readReliableConsumers(methodOf(base, methodName)) : [];
        return base && mark
          ? [
              `${name}.${methodName} overrides a method of ${base.constructor.name} with ${decoratorName(mark.isBatch)} and has none itself, so it would consume nothing; decorate it too, or give it another name`,
            ]
          : [];
      });
  }

  private optionsOf(
    source: ConsumerMark['source'],
    name: string,
    problems: string[],
  ): ConsumerOptions | undefined {
    try {
      const options: unknown = typeof source === 'function' ? source(this.configuration()) : source;
      if (options instanceof Promise)
        throw new TypeError('it returned a promise; it must return the options');
      return typeof options === 'string' ? { queue: options } : (options as ConsumerOptions);
    } catch (error) {
      problems.push(`${name}: the function that makes its options failed: ${describeError(error).message}`);
      return undefined;
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

function toCandidate(wrapper: InstanceWrapper): Candidate | undefined {
  const isShared = wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
  if (!isShared) {
    const { prototype, name } = (wrapper.metatype ?? {}) as { prototype?: object; name: string };
    return prototype && { prototype, instance: undefined, name };
  }
  const instance: unknown = wrapper.instance;
  if (typeof instance !== 'object' || instance === null) return undefined;
  const prototype = Object.getPrototypeOf(instance) as object | null;
  if (!prototype) return undefined;
  const { name } = (prototype.constructor as { name: string } | undefined) ?? { name: '(no class)' };
  return { prototype, instance, name };
}

function foundHandler(
  instance: object,
  className: string,
  methodName: string,
): Omit<FoundHandler, 'options' | 'isBatch'> {
  return {
    className,
    methodName,
    invoke: (payload, context) =>
      (instance as Record<string, FoundHandler['invoke']>)[methodName]?.(payload, context),
  };
}

function unshared(name: string): string {
  return `${name}: its class is request-scoped or transient, so there is no one instance to give messages to; give it and what it injects the default scope`;
}

function methodOf(prototype: object, methodName: string): unknown {
  return (prototype as Record<string, unknown>)[methodName];
}

function basesOf(prototype: object): object[] {
  const base = Object.getPrototypeOf(prototype) as object | null;
  return base ? [base, ...basesOf(base)] : [];
}
