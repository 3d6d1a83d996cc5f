import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { BrokerConnections, type ChannelDelivery } from '../broker/broker.module';
import { Database } from '../database/database.module';
import {
  backoffMs,
  EventBus,
  Rejected,
  traceIdOf,
  type Delivery,
  type Outcome,
} from '../message/message.module';
import { Seat } from '../grouping/grouping.module';
import { handlerFor, type ConsumerDefinition } from '../registration/registration.module';
import { ContextFactory } from './context-factory';
import { CrashGuard, type Admission } from './crash-guard';
import type { Again, DeliveryContext } from './delivery-context';
import { decideFailure } from './failure-policy';
import type { HandlerPipeline } from './handler-pipeline';
import { Settlement } from './settlement';
import { producerId } from './transaction-id';

/** What the processor needs to know of the consumer a delivery came to. */
export interface ConsumerRuntime {
  readonly definition: ConsumerDefinition;
  readonly pipelines: readonly HandlerPipeline[];
  readonly restore: () => Promise<void>;
  readonly rejectsToDeadLetters: () => boolean;
  /** Aborted at the end of the shutdown grace. */
  readonly stop: AbortSignal;
}

interface Attempt {
  readonly outcome: Outcome | Promise<Outcome | Again>;
  /** Undefined where the message was judged without a handler. */
  readonly context?: DeliveryContext;
}

/** The page to read first: attempt → settle → emit. */
@Injectable()
export class MessageProcessor {
  constructor(
    private readonly contexts: ContextFactory,
    private readonly crashGuard: CrashGuard,
    private readonly settlement: Settlement,
    private readonly database: Database,
    private readonly broker: BrokerConnections,
    private readonly events: EventBus,
  ) {}

  /** Takes one delivery to its end: settled, or left to the broker. Never throws. */
  async process(received: ChannelDelivery, runtime: ConsumerRuntime): Promise<void> {
    const { delivery } = received;
    const traceId = traceIdOf(delivery.headers);
    this.events.emit('message.received', { delivery });
    let context: DeliveryContext | undefined;
    let outcome: Outcome;
    let before: Again | undefined;
    // A failure of the infrastructure is nobody's outcome: the delivery is held, unacknowledged, and tried again when it is over. Each time
    // with another context: what an earlier one left behind, or did to the message, must not reach the next.
    for (let held = 1; ;) {
      const attempt = this.begin(delivery, runtime, traceId, before);
      ({ context } = attempt);
      const end = await attempt.outcome;
      context?.leave();
      if (isAgain(end)) {
        before = end;
        continue;
      }
      if (before instanceof Seat) before.giveUp();
      before = undefined;
      outcome = end;
      if (outcome.kind !== 'release' || !(await this.hold(received, outcome, runtime.stop, held++))) break;
    }

    const handler = context && `${context.handler.className}.${context.handler.methodName}`;
    const { restore, rejectsToDeadLetters, stop } = runtime;
    const settled = await this.settlement.settle({
      received,
      outcome,
      key: context?.key,
      handler,
      restore,
      rejectsToDeadLetters,
      stop,
    });
    this.events.emit('message.settled', {
      delivery,
      ...settled,
      // Also of a message that no handler has seen: it is what people search for.
      transactionId: (context?.id ?? producerId(delivery)) || undefined,
      traceId,
      handler,
      durationMs: performance.now() - delivery.receivedAt,
    });
  }

  /** Begins one attempt. Its outcome never rejects. */
  private begin(
    delivery: Delivery,
    runtime: ConsumerRuntime,
    traceId: string,
    before: Again | undefined,
  ): Attempt {
    if (delivery.delayLeftMs > 0)
      return { outcome: { kind: 'defer', reason: 'not-due', delayMs: delivery.delayLeftMs } };
    const { definition, pipelines } = runtime;
    const type = typeOf(definition, delivery);
    const handler = handlerFor(definition, type);
    const pipeline = pipelines.find((one) => one.handler === handler);
    if (!pipeline) return { outcome: this.withoutHandler(definition, type) };

    const context = this.contexts.create(delivery, pipeline, type, traceId, before);
    context.enter();
    const mayTakeOver = pipeline.handler.idempotency === 'lease';
    const outcome =
      delivery.redelivered || mayTakeOver
        ? this.attemptSuspect(context, pipeline, definition.deliveryLimit)
        : pipeline.attempt(context);
    return { outcome, context };
  }

  /**
   * It came back from a process that had begun with it, or takes over what one had begun with: counted before it runs, and alone where
   * it may be the one that kills.
   */
  private async attemptSuspect(
    context: DeliveryContext,
    pipeline: HandlerPipeline,
    limit: number,
  ): Promise<Outcome | Again> {
    const { idempotency } = pipeline.handler;
    let admission: Admission | undefined;
    context.admitSuspect = async () => {
      admission ??= await this.crashGuard.admit(context.delivery, limit, idempotency !== 'off');
      return admission.kind === 'refused' ? crashed(admission.deliveries) : undefined;
    };
    let outcome: Outcome | Again | undefined;
    try {
      outcome = context.delivery.redelivered ? await context.admitSuspect() : undefined;
      outcome ??= await pipeline.attempt(context);
    } catch (error) {
      outcome = decideFailure(error, context.attempt, pipeline.handler);
    }
    // A twin's lease may have to end first: then this start was none.
    const wasPutOff = idempotency === 'lease' && !isAgain(outcome) && outcome.kind === 'defer';
    if (admission?.kind === 'admitted') await admission.leave(context.lease !== undefined || !wasPutOff);
    return outcome;
  }

  private withoutHandler(definition: ConsumerDefinition, type: string | undefined): Outcome {
    const known = definition.handlers.flatMap(({ types }) => types).join(', ');
    const what =
      type === undefined ? 'a message without a type' : `a message of type ${JSON.stringify(type)}`;
    const text = `the queue "${definition.queue}" has no handler for ${what}; it has handlers for: ${known}`;
    if (definition.onUnknownType === 'discard') return { kind: 'discard', reason: 'no-handler' };
    return { kind: 'dead-letter', reason: 'no-handler', error: new Rejected('no-handler', text) };
  }

  /** @returns whether to try again; false when the broker has the message, or will have it. */
  private async hold(
    received: ChannelDelivery,
    { reason, error }: Extract<Outcome, { kind: 'release' }>,
    stop: AbortSignal,
    held: number,
  ): Promise<boolean> {
    if (reason !== 'database' && reason !== 'publisher') return false;
    const gate = reason === 'database' ? this.database.gate : this.broker.publisherGate;
    gate.reportFailure(error);
    await gate.whenAvailable(stop);
    // The probe may find what this message finds missing (a full disk answers `select 1`): never a hot loop.
    await sleep(backoffMs(held, 50, 10_000), undefined, { signal: stop }).catch(() => undefined);
    return !stop.aborted && received.channel.isOpen;
  }
}

function isAgain(outcome: Outcome | Again): outcome is Again {
  return typeof outcome === 'string' || outcome instanceof Seat;
}

function typeOf(definition: ConsumerDefinition, delivery: Delivery): string | undefined {
  try {
    return definition.typeOf(delivery);
  } catch {
    // A function of the user's that fails on a message has found no type in it.
    return undefined;
  }
}

function crashed(deliveries: number): Outcome {
  const error = new Error(
    `delivered ${deliveries} times and never settled: its process died, or lost the broker, every time it was running`,
  );
  return { kind: 'dead-letter', reason: 'delivery-limit', error };
}
