import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  Logger,
  type NestInterceptor,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { callerOf, type CallerRequest } from './current-key';
import { type Claimed, IdempotentRequests } from './idempotency-key.store';
import { isDeeperThan } from './json-depth';
import { Problem } from './problem';
import { DEEPEST_REQUEST, invalidRequest } from './zod-body';

const KEY = /^[\x21-\x7e]{1,200}$/;

/**
 * Writes with an `Idempotency-Key` act once: a repetition gets the first one's answer. A failed write frees its key,
 * so that it can be tried again; while it runs, its twin is told to come back.
 */
@Injectable()
export class IdempotencyKeyInterceptor implements NestInterceptor {
  private readonly logger = new Logger('Api');

  constructor(
    private readonly requests: IdempotentRequests,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<CallerRequest>();
    const key = request.headers['idempotency-key'];
    const caller = callerOf(request);
    if (key === undefined || !caller || request.method === 'GET' || request.method === 'HEAD')
      return next.handle();
    if (typeof key !== 'string' || !KEY.test(key)) {
      throw invalidRequest([
        { path: 'Idempotency-Key', message: 'expected 1 to 200 visible ASCII characters' },
      ]);
    }
    const response = context.switchToHttp().getResponse<ServerResponse>();
    return from(this.once(caller.name, key, request, response, next));
  }

  private async once(
    keyName: string,
    key: string,
    request: CallerRequest,
    response: ServerResponse,
    next: CallHandler,
  ): Promise<unknown> {
    const state = await this.requests.claim(keyName, key, hashOf(request));
    switch (state.kind) {
      case 'other-request':
        throw new Problem(
          422,
          'idempotency-key-reused',
          'This Idempotency-Key was used with another request.',
        );
      case 'running':
        throw new Problem(
          409,
          'idempotency-key-in-use',
          'The first request with this Idempotency-Key still runs.',
          {
            headers: { 'Retry-After': '1' },
          },
        );
      case 'completed':
        this.adapterHost.httpAdapter.status(response, state.status);
        this.adapterHost.httpAdapter.setHeader(response, 'Idempotency-Replayed', 'true');
        return state.body ?? undefined;
      case 'claimed':
        return this.run(state, response, next);
    }
  }

  private async run(claimed: Claimed, response: ServerResponse, next: CallHandler): Promise<unknown> {
    let answer: unknown;
    try {
      answer = await lastValueFrom(next.handle(), { defaultValue: undefined });
    } catch (error) {
      await this.bookkeep(() => this.requests.release(claimed));
      throw error;
    }
    await this.bookkeep(() => this.requests.complete(claimed, response.statusCode, answer));
    return answer;
  }

  /** The write itself has been decided by now: its answer is true whether or not this can be written down. */
  private async bookkeep(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      this.logger.warn(
        { err: error },
        'an Idempotency-Key could not be written down; it is free again in a minute',
      );
    }
  }
}

function hashOf({ method, url, body }: CallerRequest): Buffer {
  if (isDeeperThan(body, DEEPEST_REQUEST)) {
    throw invalidRequest([{ path: '', message: `nested deeper than ${String(DEEPEST_REQUEST)} levels` }]);
  }
  return createHash('sha256')
    .update(JSON.stringify([method, url, body ?? null]))
    .digest();
}
