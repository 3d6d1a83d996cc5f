import { fromEvent, isObservable, lastValueFrom, takeUntil } from 'rxjs';
import type { EntityManager } from 'typeorm';
import type { Publication } from '../broker/broker.module';
import type { HandlerAccess, HandlerTransaction } from '../database/database.module';
import type { BatchCall } from '../grouping/grouping.module';
import type { LastStatement } from '../idempotency/idempotency.module';
import {
  HandlerTimeoutError,
  type BatchContext,
  type MessageLog,
  type PublishOptions,
  type Sql,
} from '../message/message.module';
import type { Last } from '../middleware/middleware.module';
import type { HandlerDefinition } from '../registration/registration.module';
import { Barrier } from './barrier';
import { leavingWith, type Relay } from './leaving-with';
import { readBatchResult } from './batch-result';
import type { ContextOutlets, DeliveryContext, ItsBatch, Publisher } from './delivery-context';

export interface BatchRunParts {
  readonly handler: HandlerDefinition;
  /** The middleware around each message, with its barrier as the end; undefined where there is none. */
  readonly steps: Last | undefined;
  readonly outlets: ContextOutlets;
  /** Called with what was published on behalf of the batch, once that is committed. */
  readonly relay: Relay;
}

/** One call of the handler with the messages of a batch, and the context that it gets. What is left of it after its end can do nothing. */
export class BatchRun implements BatchContext, BatchCall<DeliveryContext>, ItsBatch, Publisher {
  readonly published: Publication[] = [];
  readonly lease = undefined;
  publications = 0;
  /** Those for whose own context the transaction was asked: they may have written. */
  private readonly touched = new Set<DeliveryContext>();
  private readonly controller = new AbortController();
  private readonly barrier: Barrier<DeliveryContext>;
  private handled: readonly DeliveryContext[] = [];
  private isOver = false;

  constructor(
    private readonly members: readonly DeliveryContext[],
    private readonly transaction: HandlerTransaction | undefined,
    private readonly parts: BatchRunParts,
  ) {
    this.barrier = new Barrier(members, (arrived) => this.invoke(arrived));
    for (const member of members) member.batch = this;
  }

  get queue(): string {
    return this.members[0]?.queue ?? '';
  }

  get messages(): readonly DeliveryContext[] {
    return this.handled;
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get isTransactional(): boolean {
    return this.transaction !== undefined;
  }

  get tx(): EntityManager {
    return this.openTransaction('ctx.tx').manager;
  }

  get sql(): Sql {
    return this.openTransaction('ctx.sql').sql;
  }

  get log(): MessageLog {
    return this.parts.outlets.log({ queue: this.queue, messages: this.handled.length });
  }

  /** Of a trace only where there is but one. */
  get headers(): DeliveryContext['headers'] {
    const [first, ...others] = this.members;
    return first && others.length === 0 ? first.headers : {};
  }

  publish(exchange: string, routingKey: string, body: unknown, options: PublishOptions = {}): Promise<void> {
    return this.parts.outlets.publish(this, exchange, routingKey, body, options);
  }

  openTransaction(asked: string): HandlerAccess {
    if (this.transaction) {
      this.transaction.assertOpen();
      return this.transaction;
    }
    const { className, methodName } = this.parts.handler;
    throw new Error(`${asked} needs idempotency 'transactional'; ${className}.${methodName} has 'off'`);
  }

  accessOf(member: DeliveryContext): HandlerAccess | undefined {
    this.touched.add(member);
    return this.transaction?.member(() => undefined);
  }

  arrive(member: DeliveryContext): Promise<void> {
    return this.barrier.arrive(member);
  }

  abort(reason: unknown): void {
    if (!this.isOver) this.controller.abort(reason);
  }

  /** Until it ends, its time is up, or it is aborted; code cannot be stopped, only left behind. */
  run(): Promise<ReadonlyMap<DeliveryContext, unknown>> {
    const { timeoutMs } = this.parts.handler;
    const clock = setTimeout(() => {
      this.abort(new HandlerTimeoutError(timeoutMs));
    }, timeoutMs);
    const aborted = new Promise<never>((_, reject) => {
      this.signal.addEventListener('abort', () => {
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- goes on as it was given
        reject(this.signal.reason);
      });
    });
    return Promise.race([this.work(), aborted]).finally(() => {
      clearTimeout(clock);
      this.isOver = true;
    });
  }

  /** What is published on behalf of the batch leaves as if one more message had published it. */
  last(): LastStatement {
    return leavingWith([...this.members, this], this.parts.relay);
  }

  private async work(): Promise<ReadonlyMap<DeliveryContext, unknown>> {
    const { steps } = this.parts;
    const failures = steps ? await this.barrier.pass(steps) : await this.invoke(this.members);
    for (const [member, error] of failures) {
      // It cannot be taken out alone: what it has written would be committed with the others.
      if (this.touched.has(member)) throw error;
    }
    return failures;
  }

  private async invoke(members: readonly DeliveryContext[]): Promise<ReadonlyMap<DeliveryContext, unknown>> {
    this.handled = members;
    const payloads = members.map(({ payload }) => payload);
    let result: unknown = await this.parts.handler.invoke(payloads, this);
    if (isObservable(result)) {
      const ended = result.pipe(takeUntil(fromEvent(this.signal, 'abort')));
      result = await lastValueFrom(ended, { defaultValue: undefined });
    }
    return readBatchResult(result, members);
  }
}
