import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fromEvent, isObservable, lastValueFrom, takeUntil, type Observable } from 'rxjs';
import type { InboxKey, OutboxRow, TransactionalMode } from '../idempotency/idempotency.module';
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
import type { HandlerDefinition } from '../registration/registration.module';
import type { DeliveryContext } from './delivery-context';
import { decideFailure, isContention } from './failure-policy';
import { transactionIdOf } from './transaction-id';

/** How often a loser of a race between transactions is run again at once, without costing an attempt. */
const CONTENTION_REDOS = 3;

/** What came of one attempt. */
export interface Attempted {
  readonly outcome: Outcome;
  /** Set once the message had reached the inbox: its failures are recorded there. */
  readonly key: InboxKey | undefined;
}

interface Progress {
  outcome: Outcome;
  key: InboxKey | undefined;
}

export interface PipelineParts {
  readonly transactional: TransactionalMode;
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
  private readonly inside: Last;
  private readonly outside: readonly ReturnType<typeof arrange>['outside'][number][];
  /** Rows a transaction has written to the outbox, until it commits. */
  private readonly written = new WeakMap<DeliveryContext, OutboxRow[]>();

  constructor(
    readonly handler: HandlerDefinition,
    private readonly parts: PipelineParts,
  ) {
    const { outside, inside } = arrange([...builtIns(handler, parts.limits), ...parts.middleware]);
    this.outside = outside;
    this.inside = compose(inside, async (context) => {
      const result: unknown = await handler.invoke(context.payload, context);
      if (isObservable(result)) await drained(result, context);
    });
  }

  /** Runs everything up to an outcome. Never throws. */
  async attempt(context: DeliveryContext): Promise<Attempted> {
    const progress: Progress = { outcome: { kind: 'completed' }, key: undefined };
    try {
      // The last link of the outer chain belongs to this delivery alone, so the chain is closed around it here.
      await context.bounded(() => compose(this.outside, () => this.stage(context, progress))(context));
      return progress;
    } catch (error) {
      return { outcome: decideFailure(error, context.attempt, this.handler), key: progress.key };
    }
  }

  /** Remembers a row that leaves when the transaction of this delivery has committed. */
  wrote(context: DeliveryContext, row: OutboxRow): void {
    this.written.get(context)?.push(row);
  }

  private async stage(context: DeliveryContext, progress: Progress): Promise<void> {
    context.endStage();
    if (this.handler.idempotency === 'off') {
      await this.redoing(() => context.bounded(() => this.inside(context)));
      return;
    }
    const id = transactionIdOf(context.delivery, context.payload, this.handler);
    if (id !== undefined) {
      context.id = id;
      progress.key = keyOf(context.delivery, id);
    }
    await this.redoing(async () => {
      progress.outcome = await this.inTransaction(context, progress.key);
    });
  }

  private async inTransaction(context: DeliveryContext, key: InboxKey | undefined): Promise<Outcome> {
    const rows: OutboxRow[] = [];
    this.written.set(context, rows);
    const outcome = await this.parts.transactional.runOnce(key, async (transaction) => {
      rows.length = 0;
      context.transaction = transaction;
      try {
        await context.bounded(() => this.inside(context));
      } finally {
        context.transaction = undefined;
      }
    });
    if (outcome.kind === 'completed') this.parts.relay(rows);
    return outcome;
  }

  /** Again at once: after a lost race a few times for free, after any other failure as often as the consumer asked for. */
  private async redoing(run: () => Promise<void>): Promise<void> {
    let races = 0;
    let immediate = 0;
    for (;;) {
      try {
        await run();
        return;
      } catch (error) {
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
    bodyHash: createHash('sha256').update(delivery.body).digest().subarray(0, 16),
    copyToken: delivery.copyToken,
  };
}
