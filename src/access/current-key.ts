import type { IncomingHttpHeaders } from 'node:http';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Caller } from './api-keys';

const CALLER = Symbol('holdfast caller');

/** What this room needs of a request; Express and Fastify have it alike. */
export interface CallerRequest {
  readonly method: string;
  readonly url: string;
  readonly ip?: string;
  readonly headers: IncomingHttpHeaders;
  readonly body?: unknown;
  [CALLER]?: Caller;
}

export function setCaller(request: CallerRequest, caller: Caller): void {
  request[CALLER] = caller;
}

export function callerOf(request: CallerRequest): Caller | undefined {
  return request[CALLER];
}

/** The caller, on a route with `@RequireRole`: `{ name, role }`. */
export const CurrentKey = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  const caller = callerOf(context.switchToHttp().getRequest<CallerRequest>());
  if (!caller) throw new Error(`${context.getClass().name}: @CurrentKey() on a route without @RequireRole()`);
  return caller;
});
