import { Inject, Injectable } from '@nestjs/common';
import { Gauge, type Registry } from 'prom-client';
import { BrokerConnections } from '../../broker/broker.module';
import { Consumers, type ConsumerStatus } from '../../consumer/consumer.module';
import { Database } from '../../database/database.module';
import { OutboxStore } from '../../idempotency/idempotency.module';
import { settleWithin, type ConsumerState } from '../../message/message.module';
import { MessageMetrics } from './message-metrics';
import { QueueDepths } from './queue-depths';
import { REGISTRY } from './registry';

const STATES: readonly ConsumerState[] = ['starting', 'running', 'paused', 'waiting', 'drifted', 'stopped'];
/** A scrape does not wait longer for a database that is slow. */
const PATIENCE_MS = 1_000;

/** Who knows the states. */
@Injectable()
export class StateSources {
  constructor(
    readonly consumers: Consumers,
    readonly broker: BrokerConnections,
    readonly database: Database,
    readonly outbox: OutboxStore,
    readonly depths: QueueDepths,
  ) {}
}

/** States are read when a scrape asks for them, from those who know: nothing is kept twice, and nothing costs a message. */
@Injectable()
export class StateMetrics {
  private readonly inFlight: Gauge<'queue'>;
  private readonly consumerState: Gauge<'queue' | 'state'>;
  private readonly connected: Gauge<'connection'>;
  private readonly blocked: Gauge<'connection'>;
  private readonly database: Gauge;
  private readonly ready: Gauge<'queue'>;
  private readonly outboxOldest: Gauge;

  constructor(
    @Inject(REGISTRY) private readonly registry: Registry,
    private readonly messages: MessageMetrics,
    private readonly sources: StateSources,
  ) {
    this.inFlight = this.gauge('holdfast_in_flight', 'Messages whose handler is running.', ['queue']);
    this.consumerState = this.gauge(
      'holdfast_consumer_state',
      '1 for the state the consumer is in, 0 for the others.',
      ['queue', 'state'],
    );
    this.connected = this.gauge('holdfast_broker_connected', '1 while the connection to RabbitMQ is open.', [
      'connection',
    ]);
    this.blocked = this.gauge(
      'holdfast_broker_blocked',
      '1 while RabbitMQ takes nothing on the connection.',
      ['connection'],
    );
    this.database = this.gauge('holdfast_database_available', '1 while Postgres answers.', []);
    this.ready = this.gauge(
      'holdfast_queue_ready',
      'Messages waiting in the queue, dead-letter queues included.',
      ['queue'],
    );
    this.outboxOldest = this.gauge(
      'holdfast_outbox_oldest_timestamp_seconds',
      'When the oldest message of the outbox that is not published yet was written; 0 when there is none.',
      [],
    );
  }

  /** The whole page, with every state as it is now. */
  async page(): Promise<string> {
    const { consumers, broker, database } = this.sources;
    const list = consumers.list();
    this.readConsumers(list);
    for (const [connection, status] of Object.entries(broker.status())) {
      this.connected.set({ connection }, status === 'disconnected' ? 0 : 1);
      this.blocked.set({ connection }, status === 'blocked' ? 1 : 0);
    }
    this.database.set(database.available ? 1 : 0);
    await Promise.all([this.readDepths(list), this.readOutbox()]);
    return this.registry.metrics();
  }

  private readConsumers(list: readonly ConsumerStatus[]): void {
    this.inFlight.reset();
    this.consumerState.reset();
    for (const { queue, state, inFlight } of list) {
      this.messages.introduce(queue);
      this.inFlight.set({ queue }, inFlight);
      for (const name of STATES) this.consumerState.set({ queue, state: name }, name === state ? 1 : 0);
    }
  }

  private async readDepths(list: readonly ConsumerStatus[]): Promise<void> {
    const queues = list.flatMap(({ queue, deadLetterQueue }) => [queue, deadLetterQueue]);
    const depths = await this.sources.depths.of(queues);
    this.ready.reset();
    for (const [queue, depth] of depths) this.ready.set({ queue }, depth);
  }

  private async readOutbox(): Promise<void> {
    // Not set while the database is away: the last value would look like news.
    if (!this.sources.database.available) {
      this.outboxOldest.remove();
      return;
    }
    const read = this.sources.outbox.oldest().then((oldest) => {
      this.outboxOldest.set(oldest ?? 0);
    });
    await settleWithin(read, PATIENCE_MS);
  }

  private gauge<Label extends string>(name: string, help: string, labelNames: Label[]): Gauge<Label> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }
}
