import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fromEvent, isObservable, lastValueFrom, takeUntil, type Observable } from 'rxjs';
import type { SharedCommit } from '../grouping/grouping.module';
import type { InboxKey, TransactionalMode } from '../idempotency/idempotency.module';
import {
  HandlerTimeoutError,
  type Delivery,
  type MiddlewareContext,
  type Outcome,
} from '../message/message.module';
import {
  arrange,
  compose,
  createAuthenticate,
  createDecode,
  createValidate,
  MIDDLEWARE_ORDER,
  type DecodeLimits,
  type Last,
  type OrderedMiddleware,
} from '../middleware/middleware.module';
import type { OutboxRow } from '../outbox/outbox.module';
import type { HandlerDefinition } from '../registration/registration.module';
import { BatchStage, type BatchStageParts } from './batch-stage';
import type { Again, DeliveryContext } from './delivery-context';
import { decideFailure, isContention } from './failure-policy';
import { transactionIdOf } from './transaction-id';

/** How often a loser of a race between transactions is run again at once, without costing an attempt. */
const CONTENTION_REDOS = 3;

export interface PipelineParts {
  readonly transactional: TransactionalMode;
  /** Undefined where each message commits by itself. */
  readonly shared: SharedCommit | undefined;
  readonly batches: Pick<BatchStageParts, 'groups' | 'lanes' | 'outlets'>;
  readonly middleware: readonly OrderedMiddleware[];
  readonly limits: DecodeLimits;
  /** Called with what the handler wrote to the outbox, once that is committed. */
  readonly relay: (rows: readonly OutboxRow[]) => void;
}

/**
 * The way of a message to one handler, put together once per handler:
 * authenticate → decode → validate → idempotency (transaction, duplicates) → middleware → handler.
 */
export class HandlerPipeline {
  private readonly way: Last;
  private readonly inside: Last;
  /** Undefined where each message is a call of the handler. */
  private readonly batches: BatchStage | undefined;
  /** Whether a step of the user's comes back into control after the idempotency stage. */
  private readonly goesOn: boolean;

  constructor(
    readonly handler: HandlerDefinition,
    private readonly parts: PipelineParts,
  ) {
    const { outside, inside } = arrange([...builtIns(handler, parts.limits), ...parts.middleware]);
    this.goesOn = parts.middleware.some(({ order }) => order < MIDDLEWARE_ORDER.idempotency);
    // A chain hands on the context it was given, and `attempt` gives it the delivery's own.
    this.way = compose(outside, (context) => this.enter(context as DeliveryContext));
    const { batchSize } = handler;
    if (batchSize !== undefined)
      this.batches = new BatchStage(handler, batchSize, inside, { ...parts.batches, relay: parts.relay });
    this.inside = compose(inside, async (context) => {
      const result: unknown = await handler.invoke(context.payload, context);
      if (isObservable(result)) await drained(result, context);
    });
  }

  /** Runs everything up to an outcome, or up to where it has to begin anew. Never throws. */
  async attempt(context: DeliveryContext): Promise<Outcome | Again> {
    try {
      await context.bounded(() => this.way(context));
      return context.outcome;
    } catch (error) {
      if (context.redo) return context.redo;
      // Where it was aborted from outside, the call that it shares with others may still be running.
      context.batch?.abort(error);
      return decideFailure(error, context.attempt, this.handler);
    }
  }

  private async enter(context: DeliveryContext): Promise<void> {
    try {
      await this.stage(context);
    } finally {
      // Or a step that hangs on its way out would hold its message, and its place, for ever.
      if (this.goesOn) context.restartClock();
    }
  }

  private async stage(context: DeliveryContext): Promise<void> {
    // Middleware that was left behind may come here long after the message has been settled.
    context.throwIfAborted();
    if (this.batches) {
      context.stopClock();
      if (this.handler.idempotency !== 'off') this.identify(context);
      await this.batches.enter(context);
      return;
    }
    if (this.handler.idempotency === 'off') {
      await this.redoing(context, () => {
        context.restartClock();
        return this.inside(context);
      });
      return;
    }
    context.stopClock();
    this.identify(context);
    const { shared } = this.parts;
    if (shared && context.key && context.mayShare && shared.accepts())
      await this.inGroup(context, context.key, shared);
    else await this.redoing(context, () => this.inTransaction(context));
  }

  /** @throws Rejected as `transactionIdOf`. */
  private identify(context: DeliveryContext): void {
    const id = transactionIdOf(context.delivery, context.payload, this.handler);
    if (id === undefined) return;
    context.id = id;
    context.key = keyOf(context.delivery, id);
  }

  private async inGroup(context: DeliveryContext, key: InboxKey, shared: SharedCommit): Promise<void> {
    const ended = await shared.runOnce({
      key,
      run: (access, timed) => {
        context.transaction = access;
        return context.bounded(() => this.inside(context), timed);
      },
      abort: (reason) => {
        context.abort(reason);
      },
    });
    if (typeof ended === 'string') context.beginAnew(ended);
    context.outcome = ended;
    if (ended.kind === 'completed') this.parts.relay(context.written);
  }

  private async inTransaction(context: DeliveryContext): Promise<void> {
    context.outcome = await this.parts.transactional.runOnce(context.key, async (transaction) => {
      context.written.length = 0;
      context.transaction = transaction;
      await context.bounded(() => this.inside(context));
    });
    if (context.outcome.kind === 'completed') this.parts.relay(context.written);
  }

  /** Again at once: after a lost race a few times for free, after any other failure as often as the consumer asked for. */
  private async redoing(context: DeliveryContext, run: () => Promise<void>): Promise<void> {
    let races = 0;
    let immediate = 0;
    for (;;) {
      try {
        await run();
        return;
      } catch (error) {
        // So may a handler that was left behind: its end is nobody's business any more.
        context.throwIfAborted();
        if (isContention(error) && races < CONTENTION_REDOS) {
          races++;
          await sleep(Math.random() * 20 * 2 ** races);
        } else if (this.isWorthRetryingNow(error) && immediate < this.handler.immediateRetries) immediate++;
        else throw error;
      }
    }
  }

  private isWorthRetryingNow(error: unknown): boolean {
    if (error instanceof HandlerTimeoutError) return false;
    // Judged as if there were tries left: whether it is a failure that trying again can help.
    return decideFailure(error, 0, this.handler).kind === 'retry';
  }
}

function builtIns(handler: HandlerDefinition, limits: DecodeLimits): OrderedMiddleware[] {
  const steps: OrderedMiddleware[] = [{ order: MIDDLEWARE_ORDER.decode, middleware: createDecode(limits) }];
  if (handler.authenticate) {
    steps.push({
      order: MIDDLEWARE_ORDER.authenticate,
      middleware: createAuthenticate(handler.authenticate),
    });
  }
  if (handler.schema)
    steps.push({ order: MIDDLEWARE_ORDER.validate, middleware: createValidate(handler.schema) });
  return steps;
}

/** Nothing happens in an Observable until somebody subscribes. */
async function drained(result: Observable<unknown>, context: MiddlewareContext): Promise<void> {
  const ended = result.pipe(takeUntil(fromEvent(context.signal, 'abort')));
  await lastValueFrom(ended, { defaultValue: undefined });
}

function keyOf(delivery: Delivery, transactionId: string): InboxKey {
  return {
    consumer: delivery.queue,
    transactionId,
    bodyHash: hash('sha256', delivery.body, 'buffer').subarray(0, 16),
    copyToken: delivery.copyToken,
  };
}
