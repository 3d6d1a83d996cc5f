import type { EntityManager } from 'typeorm';
import type { Publication } from '../broker/broker.module';
import type { HandlerAccess } from '../database/database.module';
import { Seat, type Redo } from '../grouping/grouping.module';
import type { InboxKey, Lease } from '../idempotency/idempotency.module';
import type { MessageLog, MiddlewareContext, Outcome, PublishOptions, Sql } from '../message/message.module';
import type { Delivery } from '../message/message.module';
import type { HandlerDefinition } from '../registration/registration.module';
import type { InFlight, UnderWay } from './in-flight';
import { producerId } from './transaction-id';

const COMPLETED: Outcome = { kind: 'completed' };
const admitted = (): Promise<undefined> => Promise.resolve(undefined);

/** What a message comes back with when everything about it has to be done anew. */
export type Again = Redo | Seat<DeliveryContext>;

/** What a publication is made of, beside what is published. */
export interface Publisher {
  readonly isTransactional: boolean;
  readonly headers: Delivery['headers'];
  /** What has been published in the open transaction, in its order; it is written with the commit. */
  readonly published: Publication[];
  /** Under which it publishes, where it is in lease mode. */
  readonly lease: Lease | undefined;
  /** How many messages this run of the handler has published without a transaction. */
  publications: number;
  openTransaction(asked: string): HandlerAccess;
}

/** The call of the handler that a message shares with others. */
export interface ItsBatch {
  readonly signal: AbortSignal;
  /** Of the transaction of all; undefined where there is none. */
  accessOf(member: DeliveryContext): HandlerAccess | undefined;
  /** The message has gone through its own steps. */
  arrive(member: DeliveryContext): Promise<void>;
  /** Ends the whole call. Nothing happens when it is over. */
  abort(reason: unknown): void;
}

/** Unwinds the chain of a message whose group was rolled back; what it then comes to is decided by its next run. */
class GroupRolledBackError extends Error {
  override readonly name = 'GroupRolledBackError';

  constructor() {
    super('the transaction that this message shared with others was rolled back; it is run again');
  }
}

/** Where the log lines and the publications of a handler go. */
export interface ContextOutlets {
  /** @param fields what each of its lines says. */
  log(fields: object): MessageLog;
  publish(
    publisher: Publisher,
    exchange: string,
    routingKey: string,
    body: unknown,
    options: PublishOptions,
  ): Promise<void>;
}

/** The context of one attempt at a delivery: what middleware and the handler see of it, and how far it came. */
export class DeliveryContext implements MiddlewareContext, UnderWay, Publisher {
  endsAt = Infinity;
  place = -1;
  payload: unknown;
  /** The last one the idempotency stage opened for this delivery; once ended it refuses to be used. */
  transaction: HandlerAccess | undefined;
  readonly published: Publication[] = [];
  /** Set when the handler is called with this message among others. */
  batch: ItsBatch | undefined;
  /** Set once the message has reached the inbox: its failures are recorded there. */
  key: InboxKey | undefined;
  /** Set when the group it was in has been rolled back. */
  redo: Again | undefined;
  /** The claim that this attempt runs under, in lease mode. */
  lease: Lease | undefined;
  publications = 0;
  /** Asked by lease mode before it takes over what a process may have died of. */
  admitSuspect: () => Promise<Outcome | undefined> = admitted;
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
    /** After a group of it was rolled back: how it comes back. */
    private readonly before?: Again,
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
    if (this.batch) return this.batch.signal;
    if (!this.controller) {
      this.controller = new AbortController();
      if (this.aborted) this.controller.abort(this.aborted.reason);
    }
    return this.controller.signal;
  }

  /** What has failed before, or was there when its process died, must not have neighbours. */
  get mayShare(): boolean {
    return this.before !== 'redo-alone' && !this.isSuspect && this.delivery.copyToken === undefined;
  }

  /** Where it sat in its batch before. */
  get seat(): Seat<DeliveryContext> | undefined {
    return this.before instanceof Seat ? this.before : undefined;
  }

  get isSuspect(): boolean {
    return this.delivery.redelivered;
  }

  get isAborted(): boolean {
    return this.aborted !== undefined;
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
    const { id: transactionId, queue, attempt, traceId } = this;
    return this.outlets.log({ transactionId, queue, attempt, traceId });
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

  /** Ends this run of it: nothing of it counts. */
  beginAnew(how: Again): never {
    this.redo = how;
    throw new GroupRolledBackError();
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
    this.transaction ??= this.batch?.accessOf(this);
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
