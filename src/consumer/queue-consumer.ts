import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import {
  ChannelKeeper,
  DeliveryChannel,
  plainChannel,
  type BrokerConnections,
  type Channel,
  type ChannelDelivery,
} from '../broker/broker.module';
import type { Database } from '../database/database.module';
import {
  backoffMs,
  settleWithin,
  ShutdownError,
  type ConsumerState,
  type DependencyGate,
  type Drift,
  type EventBus,
} from '../message/message.module';
import type { ConsumerRuntime, HandlerPipeline, MessageProcessor } from '../processing/processing.module';
import type { ConsumerDefinition } from '../registration/registration.module';
import { consumerPlan, names, type DelayTiers, type TopologyDeclarer } from '../topology/topology.module';
import type { PauseWatch } from './pause-watch';

/** How often a refused queue is looked at again, in milliseconds: somebody may have mended it. */
const DRIFT_RECHECK_MS = 15_000;
/** How long the broker may take to cancel a subscription at shutdown. */
const CANCEL_MS = 2_000;
/** What an aborted handler has to let go, after the shutdown grace. */
const ABORT_GRACE_MS = 1_000;

export interface QueueConsumerParts {
  readonly namespace: string;
  readonly broker: BrokerConnections;
  readonly database: Database;
  readonly declarer: TopologyDeclarer;
  readonly tiers: DelayTiers;
  readonly processor: MessageProcessor;
  readonly pauses: PauseWatch;
  readonly events: EventBus;
}

/** The queue exists with arguments that change how it keeps messages. */
class DriftedError extends Error {
  override readonly name = 'DriftedError';
}

/**
 * One consumer: one channel of its own, one prefetch, and at most `concurrency` handlers at once. What it should do is derived from what is
 * true now (`hindrance`), and `reconcile` brings the subscription there; nothing else subscribes or cancels.
 */
export class QueueConsumer {
  private readonly keeper: ChannelKeeper<Channel>;
  private readonly stopping = new AbortController();
  private readonly needed: readonly DependencyGate[];
  private readonly runtime: ConsumerRuntime;
  private readonly logger = new Logger(QueueConsumer.name);
  private channel: DeliveryChannel | undefined;
  private consumerTag: string | undefined;
  private buffer: ChannelDelivery[] = [];
  private running = 0;
  private ended = false;
  private reconciling: Promise<void> | undefined;
  private again = false;
  private failure: string | undefined = 'not attached yet';
  private told: { state: ConsumerState; reason: string | undefined } | undefined;
  private idle: (() => void)[] = [];
  private readonly offs: (() => void)[] = [];
  drift: readonly Drift[] = [];

  constructor(
    readonly definition: ConsumerDefinition,
    pipelines: readonly HandlerPipeline[],
    private readonly parts: QueueConsumerParts,
  ) {
    const { broker, database, events } = parts;
    // Not the publisher: a broker under an alarm blocks it until its queues are drained, so draining them must go on. Messages whose copy
    // has to wait hold back no more than this consumer's prefetch.
    this.needed = definition.handlers.some(({ idempotency }) => idempotency !== 'off') ? [database.gate] : [];
    this.runtime = {
      definition,
      pipelines,
      stop: this.stopping.signal,
      rejectsToDeadLetters: () =>
        definition.declare && !this.drift.some(({ argument }) => argument.startsWith('x-dead-letter')),
      restore: async () => {
        await parts.declarer.restoreHouse();
        await this.declare();
      },
    };
    this.keeper = new ChannelKeeper<Channel>(broker.consume, {
      create: plainChannel,
      setup: (channel, isCurrent) => this.attach(channel, isCurrent),
      lost: (error) => {
        this.detach(error);
      },
      delay: (failures) => (this.state === 'drifted' ? DRIFT_RECHECK_MS : backoffMs(failures, 200, 10_000)),
    });
    this.offs.push(
      events.on('dependency.changed', () => {
        this.reconcile();
      }),
    );
    this.offs.push(
      events.on('connection.changed', ({ connection, state, reason }) => {
        if (connection !== 'consume' || state !== 'disconnected') return;
        this.failure = `the broker is not connected: ${reason ?? 'closed'}`;
        this.tell();
      }),
    );
  }

  start(): void {
    this.keeper.start();
    this.tell();
  }

  get state(): ConsumerState {
    return this.situation().state;
  }

  get reason(): string | undefined {
    return this.situation().reason;
  }

  get inFlight(): number {
    return this.running;
  }

  get waiting(): number {
    return this.buffer.length;
  }

  /** Brings the subscription to what it should be now. Call it whenever something has changed that it depends on. */
  reconcile(): void {
    this.again = true;
    this.reconciling ??= this.reconcileNow().finally(() => {
      this.reconciling = undefined;
      if (this.again) this.reconcile();
    });
  }

  /** Stops taking messages; what has not begun goes back to the broker now. */
  async stopConsuming(): Promise<void> {
    this.ended = true;
    this.reconcile();
    // A broker that does not answer must not use up the grace of the handlers.
    if (this.reconciling) await settleWithin(this.reconciling, CANCEL_MS);
  }

  /** Waits for running handlers until `deadline` aborts, then aborts them; whatever is unsettled goes back with the channel. */
  async drain(deadline: AbortSignal): Promise<void> {
    await this.stopConsuming();
    await this.whenIdle(deadline);
    if (this.running > 0) {
      this.stopping.abort(new ShutdownError());
      for (const { inFlight } of this.runtime.pipelines) inFlight.abortAll(new ShutdownError());
      await Promise.race([this.whenIdle(), sleep(ABORT_GRACE_MS, undefined, { ref: false })]);
    }
    this.stopping.abort(new ShutdownError());
    for (const off of this.offs) off();
    this.channel?.flush();
    await this.keeper.stop();
    this.channel?.markLost();
    this.tell();
  }

  private async attach(raw: Channel, isCurrent: () => boolean): Promise<void> {
    const { namespace, declarer, tiers } = this.parts;
    try {
      await declarer.ensureHouse();
      this.drift = await this.declare();
      await tiers.prepare(this.definition.handlers.flatMap(({ retry }) => retry.lanes.flat()));
    } catch (error) {
      this.failure = messageOf(error);
      this.tell();
      throw error;
    }
    if (!isCurrent()) throw new Error('the channel was given up before its queue was declared');
    if (this.drift.some(({ tolerated }) => !tolerated)) {
      this.tell();
      throw new DriftedError(`the queue "${this.definition.queue}" is not as declared`);
    }
    this.failure = undefined;
    this.channel = new DeliveryChannel(raw, names.due(namespace));
    this.reconcile();
  }

  /** The channel is gone, and with it the right to settle what came over it. */
  private detach(error: Error | undefined): void {
    this.channel?.markLost();
    this.channel = undefined;
    this.consumerTag = undefined;
    this.buffer = [];
    if (this.state !== 'drifted') this.failure = error ? messageOf(error) : 'the channel was closed';
    this.tell();
  }

  private declare(): Promise<readonly Drift[]> {
    return this.parts.declarer.declare(consumerPlan(this.parts.namespace, this.definition));
  }

  private async reconcileNow(): Promise<void> {
    while (this.again) {
      this.again = false;
      const { channel } = this;
      try {
        if (channel) await this.bringTo(channel, this.hindrance() === undefined);
      } catch (error) {
        this.failure = messageOf(error);
        // A refused consume or cancel has closed the channel, or means that it cannot be trusted.
        await this.renewChannel();
      }
      this.tell();
      this.pump();
    }
  }

  private async bringTo(channel: DeliveryChannel, wanted: boolean): Promise<void> {
    if (wanted && this.consumerTag === undefined) {
      const tag = await channel.consume(
        this.definition.queue,
        this.definition.prefetch,
        (received) => {
          this.receive(received);
        },
        () => {
          this.cancelledByBroker(channel);
        },
      );
      // The channel may have died in the same packet; its tag would make the next channel look subscribed.
      if (this.channel === channel) this.consumerTag = tag;
    } else if (!wanted && this.consumerTag !== undefined) {
      const tag = this.consumerTag;
      this.consumerTag = undefined;
      await channel.cancel(tag);
    }
    // A dependency that is away is waited for with the deliveries in hand; a pause or a stop gives them to the others.
    if (this.ended || this.parts.pauses.of(this.definition.queue)) this.giveBack();
  }

  private giveBack(): void {
    for (const { channel, tag } of this.buffer.splice(0)) channel.requeue(tag);
  }

  /** The queue was deleted, or its leader moved: declare and subscribe anew. */
  private cancelledByBroker(channel: DeliveryChannel): void {
    if (this.channel !== channel) return;
    this.failure = 'the broker cancelled the subscription';
    void this.renewChannel();
  }

  private renewChannel(): Promise<void> {
    this.channel?.flush();
    return this.keeper.renew();
  }

  private receive(received: ChannelDelivery): void {
    this.buffer.push(received);
    this.pump();
  }

  private pump(): void {
    while (
      this.running < this.definition.concurrency &&
      this.buffer.length > 0 &&
      this.hindrance() === undefined
    ) {
      const received = this.buffer.shift();
      if (received) void this.run(received);
    }
  }

  private async run(received: ChannelDelivery): Promise<void> {
    this.running++;
    try {
      await this.parts.processor.process(received, this.runtime);
    } catch (error) {
      // A defect of ours: the message stays with the broker, and the process with its other consumers.
      this.logger.error(`a message of "${this.definition.queue}" could not be processed: ${String(error)}`);
    } finally {
      this.running--;
      if (this.running === 0) for (const wake of this.idle.splice(0)) wake();
      this.pump();
    }
  }

  private whenIdle(signal?: AbortSignal): Promise<void> {
    if (this.running === 0 || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.idle.push(resolve);
      signal?.addEventListener('abort', () => {
        resolve();
      });
    });
  }

  /** What keeps it from consuming now; undefined when nothing does. */
  private hindrance(): { state: ConsumerState; reason: string } | undefined {
    const { pauses } = this.parts;
    if (this.ended)
      return { state: 'stopped', reason: 'the process is shutting down, or the consumer was unregistered' };
    const drifted = this.drift.filter(({ tolerated }) => !tolerated);
    if (drifted.length > 0) return { state: 'drifted', reason: drifted.map(describe).join('; ') };
    const pause = pauses.of(this.definition.queue);
    if (pause)
      return { state: 'paused', reason: `by ${pause.by}${pause.reason === null ? '' : `: ${pause.reason}`}` };
    if (!pauses.isKnown)
      return {
        state: 'starting',
        reason:
          'the database has not been reached yet, so it is not known whether an operator has paused this consumer',
      };
    const missing = this.needed.find(({ available }) => !available);
    return missing && { state: 'waiting', reason: missing.reason ?? 'a dependency is away' };
  }

  private situation(): { state: ConsumerState; reason: string | undefined } {
    const hindrance = this.hindrance();
    if (hindrance) return hindrance;
    if (this.consumerTag !== undefined) return { state: 'running', reason: undefined };
    return { state: 'starting', reason: this.failure ?? 'subscribing' };
  }

  private tell(): void {
    const { state, reason } = this.situation();
    if (this.told?.state === state && (state === 'running' || this.told.reason === reason)) return;
    this.told = { state, reason };
    this.parts.events.emit('consumer.changed', {
      queue: this.definition.queue,
      state,
      ...(reason !== undefined && { reason }),
    });
  }
}

function describe({ argument, declared, existing }: Drift): string {
  return `${argument} is declared as ${declared} but the queue has ${existing}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
