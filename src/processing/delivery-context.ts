import type { EntityManager } from 'typeorm';
import type { Publication } from '../broker/broker.module';
import type { HandlerAccess } from '../database/database.module';
import type { Redo } from '../grouping/grouping.module';
import type { InboxKey, Lease } from '../idempotency/idempotency.module';
import type { MessageLog, MiddlewareContext, Outcome, PublishOptions, Sql } from '../message/message.module';
import type { Delivery } from '../message/message.module';
import type { HandlerDefinition } from '../registration/registration.module';
import type { InFlight, UnderWay } from './in-flight';
import { producerId } from './transaction-id';

const COMPLETED: Outcome = { kind: 'completed' };

/** Where the log lines and the publications of a handler go. */
export interface ContextOutlets {
  logOf(context: DeliveryContext): MessageLog;
  publish(
    context: DeliveryContext,
    exchange: string,
    routingKey: string,
    body: unknown,
    options: PublishOptions,
  ): Promise<void>;
}

/** The context of one attempt at a delivery: what middleware and the handler see of it, and how far it came. */
export class DeliveryContext implements MiddlewareContext, UnderWay {
  endsAt = Infinity;
  place = -1;
  payload: unknown;
  /** The last one the idempotency stage opened for this delivery; once ended it refuses to be used. */
  transaction: HandlerAccess | undefined;
  /** What the handler has published in the open transaction, in its order; it is written with the commit. */
  readonly published: Publication[] = [];
  /** Set once the message has reached the inbox: its failures are recorded there. */
  key: InboxKey | undefined;
  /** Set when the group it was in has been rolled back. */
  redo: Redo | undefined;
  /** The claim that this attempt runs under, in lease mode. */
  lease: Lease | undefined;
  /** How many messages this run of the handler has published without a transaction. */
  publications = 0;
  /** Asked by lease mode before it takes over what a process may have died of. */
  admitSuspect: () => Promise<Outcome | undefined> = () => Promise.resolve(undefined);
  /** What it comes to when nothing throws. */
  outcome: Outcome = COMPLETED;
  private transactionId: string | undefined;
  private ownHeaders: Delivery['headers'] | undefined;
  private ownBody: Buffer | undefined;
  private controller: AbortController | undefined;
  private aborted: { readonly reason: unknown } | undefined;
  private onAbort: ((reason: Error) => void) | undefined;

  constructor(
    readonly delivery: Delivery,
    private readonly definition: HandlerDefinition,
    private readonly inFlight: InFlight,
    readonly type: string | undefined,
    readonly traceId: string,
    private readonly outlets: ContextOutlets,
    /** False after a group of it was rolled back. */
    private readonly inCompany = true,
  ) {
    this.payload = delivery.body;
  }

  get id(): string {
    return this.transactionId ?? producerId(this.delivery) ?? '';
  }

  set id(id: string) {
    this.transactionId = id;
  }

  get attempt(): number {
    return this.delivery.attempt;
  }

  get queue(): string {
    return this.delivery.queue;
  }

  get exchange(): string {
    return this.delivery.exchange;
  }

  get routingKey(): string {
    return this.delivery.routingKey;
  }

  /** A copy, like `body`: what a handler does to it must not reach the copies of a retry. */
  get headers(): Delivery['headers'] {
    return (this.ownHeaders ??= copyValue(this.delivery.headers) as Delivery['headers']);
  }

  get body(): Buffer {
    return (this.ownBody ??= Buffer.from(this.delivery.body));
  }

  get handler(): { className: string; methodName: string } {
    return this.definition;
  }

  /** Made when first asked for: most handlers never look at it. */
  get signal(): AbortSignal {
    if (!this.controller) {
      this.controller = new AbortController();
      if (this.aborted) this.controller.abort(this.aborted.reason);
    }
    return this.controller.signal;
  }

  /** What has failed before, or was there when its process died, must not have neighbours. */
  get mayShare(): boolean {
    return this.inCompany && !this.delivery.redelivered && this.delivery.copyToken === undefined;
  }

  get isTransactional(): boolean {
    return this.definition.idempotency === 'transactional';
  }

  get tx(): EntityManager {
    return this.openTransaction('ctx.tx').manager;
  }

  get sql(): Sql {
    return this.openTransaction('ctx.sql').sql;
  }

  get fencingToken(): number {
    if (this.lease) return this.lease.version;
    const where = `${this.definition.className}.${this.definition.methodName}`;
    throw new Error(
      this.definition.idempotency === 'lease'
        ? `ctx.fencingToken is available inside the handler and in middleware with an order above 400, for messages with a transaction id (${where})`
        : `ctx.fencingToken needs idempotency 'lease'; ${where} has '${this.definition.idempotency}'`,
    );
  }

  get log(): MessageLog {
    return this.outlets.logOf(this);
  }

  publish(exchange: string, routingKey: string, body: unknown, options: PublishOptions = {}): Promise<void> {
    return this.outlets.publish(this, exchange, routingKey, body, options);
  }

  /** From here to `leave` it can be aborted. */
  enter(): void {
    this.inFlight.enter(this);
  }

  leave(): void {
    this.inFlight.leave(this);
  }

  /** Ends what is running for this delivery: the signal aborts, and `bounded` rejects with the reason. */
  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = { reason };
    this.controller?.abort(reason);
    this.onAbort?.(asError(reason));
  }

  /** @throws what it was aborted with, once it was. */
  throwIfAborted(): void {
    if (this.aborted) throw asError(this.aborted.reason);
  }

  /**
   * Runs `work` until it ends, its time is up, or the delivery is aborted, whichever comes first; code cannot be stopped, only left
   * behind. A stage inside takes over from the one that led to it, and hands back when it ends.
   * @param timed false where somebody else has the clock.
   */
  bounded(work: () => Promise<void>, timed = true): Promise<void> {
    if (this.aborted) return Promise.reject(asError(this.aborted.reason));
    const outer = this.onAbort;
    const end = (): void => {
      this.stopClock();
      this.onAbort = outer;
    };
    return new Promise((resolve, reject) => {
      // The function itself: one of our own around it would cost a tenth of the message, in garbage that grows old.
      this.onAbort = reject;
      if (timed) this.restartClock();
      work().finally(end).then(resolve, reject);
    });
  }

  /** The whole timeout again, for what begins now. */
  restartClock(): void {
    this.inFlight.startClock(this);
  }

  /** Stops the clock: what comes now waits for others (a database connection, a twin) and is not the handler's time. */
  stopClock(): void {
    this.inFlight.stopClock(this);
  }

  /** @param asked what needs it, for the error. @throws Error when there is none, or it has ended. */
  openTransaction(asked: string): HandlerAccess {
    if (this.transaction) {
      this.transaction.assertOpen();
      return this.transaction;
    }
    const where = `${this.definition.className}.${this.definition.methodName}`;
    throw new Error(
      this.isTransactional
        ? `${asked} is available inside the handler and in middleware with an order above 400 (${where})`
        : `${asked} needs idempotency 'transactional'; ${where} has '${this.definition.idempotency}'`,
    );
  }
}

/** AMQP tables hold plain objects, lists, bytes and single values. */
function copyValue(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return Buffer.from(value);
  if (Array.isArray(value)) return value.map(copyValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, copyValue(one)]));
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
