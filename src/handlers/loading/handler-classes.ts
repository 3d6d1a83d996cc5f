import 'reflect-metadata';
import type { Type } from '@nestjs/common';
import { CONTROLLER_WATERMARK, INJECTABLE_WATERMARK, MODULE_METADATA } from '@nestjs/common/constants';
import { PATTERN_METADATA } from '@nestjs/microservices/constants';
import { readMessageMiddleware } from '../../middleware/middleware.module';
import { hasReliableConsumers } from '../../registration/registration.module';

/** Loaded classes by what Nest makes of them. */
export interface HandlerClasses {
  /** Classes with handlers or middleware, and the injectable classes they may need. */
  readonly providers: readonly Type[];
  readonly controllers: readonly Type[];
  readonly modules: readonly Type[];
}

/** The classes a module exports, by name or as default. */
export function classesOf(moduleExports: unknown): Type[] {
  if (typeof moduleExports === 'function') return [moduleExports as Type];
  if (typeof moduleExports !== 'object' || moduleExports === null) return [];
  return Object.values(moduleExports).filter((value): value is Type => typeof value === 'function');
}

/** Whether Holdfast has something to do for this class: messages to hand to it, or a module that may hold such classes. */
export function handlesMessages(type: Type): boolean {
  return hasHandlers(type) || readMessageMiddleware(type) !== undefined || isModule(type);
}

/**
 * Sorts classes into providers, controllers and modules. What a module lists itself is left to it, because a class
 * registered twice would get every message twice.
 */
export function sortClasses(types: Iterable<Type>): HandlerClasses {
  const all = [...new Set(types)];
  const modules = all.filter(isModule);
  const listed = new Set(modules.flatMap(membersOf));
  const free = all.filter((type) => !isModule(type) && !listed.has(type));
  return {
    modules,
    controllers: free.filter((type) => isController(type) && hasHandlers(type)),
    providers: free.filter(
      (type) =>
        !isController(type) &&
        (hasHandlers(type) ||
          readMessageMiddleware(type) !== undefined ||
          Reflect.hasOwnMetadata(INJECTABLE_WATERMARK, type)),
    ),
  };
}

function hasHandlers(type: Type): boolean {
  return hasReliableConsumers(type) || hasEventPatterns(type);
}

function hasEventPatterns(type: Type): boolean {
  const prototype = type.prototype as object | undefined;
  if (!prototype) return false;
  return Object.values(Object.getOwnPropertyDescriptors(prototype)).some(
    ({ value }) => typeof value === 'function' && Reflect.hasOwnMetadata(PATTERN_METADATA, value as object),
  );
}

function isModule(type: Type): boolean {
  return Object.values(MODULE_METADATA).some((key) => Reflect.hasOwnMetadata(key, type));
}

function isController(type: Type): boolean {
  return Reflect.hasOwnMetadata(CONTROLLER_WATERMARK, type);
}

function membersOf(module: Type): unknown[] {
  return [MODULE_METADATA.PROVIDERS, MODULE_METADATA.CONTROLLERS].flatMap(
    (key) => (Reflect.getOwnMetadata(key, module) as unknown[] | undefined) ?? [],
  );
}
