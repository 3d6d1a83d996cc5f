import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fromEvent, isObservable, lastValueFrom, takeUntil, type Observable } from 'rxjs';
import type { SharedCommit, SharedMember } from '../grouping/grouping.module';
import type { InboxKey, LeaseMode, TransactionalMode } from '../idempotency/idempotency.module';
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
import { BatchStage, type BatchStageParts } from './batch-stage';
import type { Again, DeliveryContext } from './delivery-context';
import { decideFailure, isContention } from './failure-policy';
import { InFlight } from './in-flight';
import { leavingWith, type Publishing, type Relay } from './leaving-with';
import { transactionIdOf } from './transaction-id';

/** How often a loser of a race between transactions is run again at once, without costing an attempt. */
const CONTENTION_REDOS = 3;

export interface PipelineParts {
  readonly transactional: TransactionalMode;
  readonly lease: LeaseMode;
  /** Undefined where each message commits by itself. */
  readonly shared: SharedCommit<SharedMember & Publishing> | undefined;
  readonly batches: Pick<BatchStageParts, 'groups' | 'lanes' | 'outlets'>;
  readonly middleware: readonly OrderedMiddleware[];
  readonly limits: DecodeLimits;
  /** Called with what the handler has published, once that is committed. */
  readonly relay: Relay;
}

/**
 * The way of a message to one handler, put together once per handler:
 * authenticate → decode → validate → idempotency (transaction, duplicates) → middleware → handler.
 */
export class HandlerPipeline {
  readonly inFlight: InFlight;
  private readonly way: Last;
  private readonly inside: Last;
  /** Undefined where each message is a call of the handler. */
  private readonly batches: BatchStage | undefined;

  constructor(
    readonly handler: HandlerDefinition,
    private readonly parts: PipelineParts,
  ) {
    const { outside, inside } = arrange([...builtIns(handler, parts.limits), ...parts.middleware]);
    this.inFlight = new InFlight(handler.timeoutMs);
    // Whether a step of the user's comes back into control after the idempotency stage.
    const goesOn = parts.middleware.some(({ order }) => order < MIDDLEWARE_ORDER.idempotency);
    // A chain hands on the context it was given, and `attempt` gives it the delivery's own.
    this.way = compose(outside, (context) =>
      goesOn ? this.enter(context as DeliveryContext) : this.stage(context as DeliveryContext),
    );
    const { batchSize } = handler;
    if (batchSize !== undefined)
      this.batches = new BatchStage(handler, batchSize, inside, { ...parts.batches, relay: parts.relay });
    this.inside = compose(inside, async (context) => {
      const result: unknown = await handler.invoke(context.payload, context);
      if (isObservable(result)) await drained(result, context);
    });
  }

  /** Runs everything up to an outcome, or up to where it has to begin anew. Never throws. */
  attempt(context: DeliveryContext): Promise<Outcome | Again> {
    return context
      .bounded(() => this.way(context))
      .then<Outcome, Outcome | Again>(
        () => context.outcome,
        (error: unknown) => context.redo ?? this.judge(error, context),
      );
  }

  private async judge(error: unknown, context: DeliveryContext): Promise<Outcome> {
    // Where it was aborted from outside, the call that it shares with others may still be running.
    context.batch?.abort(error);
    const outcome = decideFailure(error, context.attempt, this.handler);
    // Left to the broker: whoever gets it next need not wait for a lease that nobody uses.
    if (outcome.kind === 'release' && context.lease) await this.parts.lease.giveBack(context.lease);
    return outcome;
  }

  private async enter(context: DeliveryContext): Promise<void> {
    try {
      await this.stage(context);
    } finally {
      // Or a step that hangs on its way out would hold its message, and its place, for ever.
      context.restartClock();
    }
  }

  private stage(context: DeliveryContext): Promise<void> {
    // Middleware that was left behind may come here long after the message has been settled.
    context.throwIfAborted();
    const { idempotency } = this.handler;
    const { batches } = this;
    if (idempotency === 'off' && !batches) return this.unguarded(context);
    context.stopClock();
    if (idempotency !== 'off') this.identify(context);
    if (batches) return batches.enter(context);
    const { key } = context;
    if (idempotency === 'lease') return key ? this.underLease(context, key) : this.unguarded(context);
    const { shared } = this.parts;
    if (shared && key && context.mayShare && shared.accepts()) return this.inGroup(context, key, shared);
    return this.redoing(context, () => this.inTransaction(context));
  }

  /** @throws Rejected as `transactionIdOf`. */
  private identify(context: DeliveryContext): void {
    const id = transactionIdOf(context.delivery, context.payload, this.handler);
    if (id === undefined) return;
    context.id = id;
    context.key = keyOf(context.delivery, id);
  }

  private unguarded(context: DeliveryContext): Promise<void> {
    return this.redoing(context, () => {
      context.restartClock();
      return this.inside(context);
    });
  }

  /** One claim for all tries at once: they are one run to everybody else. */
  private async underLease(context: DeliveryContext, key: InboxKey): Promise<void> {
    context.outcome = await this.parts.lease.runOnce(key, context, (lease) => {
      context.lease = lease;
      // What comes of this run is recorded in its name.
      context.key = lease.key;
      return this.redoing(context, () => {
        context.publications = 0;
        return context.bounded(() => this.inside(context));
      });
    });
  }

  private async inGroup(
    context: DeliveryContext,
    key: InboxKey,
    shared: NonNullable<PipelineParts['shared']>,
  ): Promise<void> {
    const ended = await shared.runOnce({
      key,
      published: context.published,
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
  }

  private async inTransaction(context: DeliveryContext): Promise<void> {
    context.outcome = await this.parts.transactional.runOnce(
      context.key,
      async (transaction) => {
        context.published.length = 0;
        context.transaction = transaction;
        await context.bounded(() => this.inside(context));
      },
      leavingWith([context], this.parts.relay),
    );
  }

  /** Again at once: after a lost race a few times for free, after any other failure as often as the consumer asked for. */
  private redoing(context: DeliveryContext, run: () => Promise<void>): Promise<void> {
    let races = 0;
    let immediate = 0;
    const redo = async (error: unknown): Promise<void> => {
      // So may a handler that was left behind: its end is nobody's business any more.
      context.throwIfAborted();
      if (isContention(error) && races < CONTENTION_REDOS) {
        races++;
        await sleep(Math.random() * 20 * 2 ** races);
      } else if (this.isWorthRetryingNow(error) && immediate < this.handler.immediateRetries) immediate++;
      else throw error;
      return run().catch(redo);
    };
    return run().catch(redo);
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
