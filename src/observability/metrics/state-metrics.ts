import { Inject, Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Gauge, Registry } from 'prom-client';
import { BrokerConnections } from '../../broker/broker.module';
import { Consumers, type ConsumerStatus } from '../../consumer/consumer.module';
import { Database } from '../../database/database.module';
import { Findings, Inspection } from '../../inspection/inspection.module';
import { settleWithin, type ConsumerState } from '../../message/message.module';
import { OutboxStore } from '../../outbox/outbox.module';
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
    readonly findings: Findings,
    readonly inspection: Inspection,
  ) {}
}

/** What they are told with. */
@Injectable()
export class StateGauges {
  constructor(
    @InjectMetric('holdfast_in_flight') readonly inFlight: Gauge<'queue'>,
    @InjectMetric('holdfast_consumer_state') readonly consumerState: Gauge<'queue' | 'state'>,
    @InjectMetric('holdfast_broker_connected') readonly connected: Gauge<'connection'>,
    @InjectMetric('holdfast_broker_blocked') readonly blocked: Gauge<'connection'>,
    @InjectMetric('holdfast_database_available') readonly database: Gauge,
    @InjectMetric('holdfast_queue_ready') readonly ready: Gauge<'queue'>,
    @InjectMetric('holdfast_topology_findings') readonly findings: Gauge<'queue' | 'kind'>,
    @InjectMetric('holdfast_policies_readable') readonly policies: Gauge,
    @InjectMetric('holdfast_outbox_oldest_timestamp_seconds') readonly outboxOldest: Gauge,
  ) {}
}

/** States are read when a scrape asks for them, from those who know: nothing is kept twice, and nothing costs a message. */
@Injectable()
export class StateMetrics {
  constructor(
    @Inject(REGISTRY) private readonly registry: Registry,
    private readonly messages: MessageMetrics,
    private readonly sources: StateSources,
    private readonly gauges: StateGauges,
  ) {}

  /** The whole page, with every state as it is now. */
  async page(): Promise<string> {
    const { consumers, broker, database } = this.sources;
    const list = consumers.list();
    this.readConsumers(list);
    for (const [connection, status] of Object.entries(broker.status())) {
      this.gauges.connected.set({ connection }, status === 'disconnected' ? 0 : 1);
      this.gauges.blocked.set({ connection }, status === 'blocked' ? 1 : 0);
    }
    this.gauges.database.set(database.available ? 1 : 0);
    this.readFindings();
    await Promise.all([this.readDepths(list), this.readOutbox()]);
    return this.registry.metrics();
  }

  private readConsumers(list: readonly ConsumerStatus[]): void {
    this.gauges.inFlight.reset();
    this.gauges.consumerState.reset();
    for (const { queue, state, inFlight } of list) {
      this.messages.introduce(queue);
      this.gauges.inFlight.set({ queue }, inFlight);
      for (const name of STATES)
        this.gauges.consumerState.set({ queue, state: name }, name === state ? 1 : 0);
    }
  }

  /** Only what is found has a series: queues times kinds would be many, and nearly always 0. */
  private readFindings(): void {
    const { findings, inspection } = this.sources;
    this.gauges.findings.reset();
    for (const { object, kind } of findings.list()) this.gauges.findings.inc({ queue: object, kind });
    this.gauges.policies.set(inspection.policyCheck?.state === 'read' ? 1 : 0);
  }

  private async readDepths(list: readonly ConsumerStatus[]): Promise<void> {
    const queues = list.flatMap(({ queue, deadLetterQueue }) => [queue, deadLetterQueue]);
    const depths = await this.sources.depths.of(queues);
    this.gauges.ready.reset();
    for (const [queue, depth] of depths) this.gauges.ready.set({ queue }, depth);
  }

  private async readOutbox(): Promise<void> {
    // Not set while the database is away: the last value would look like news.
    if (!this.sources.database.available) {
      this.gauges.outboxOldest.remove();
      return;
    }
    const read = this.sources.outbox.oldest().then((oldest) => {
      this.gauges.outboxOldest.set(oldest ?? 0);
    });
    await settleWithin(read, PATIENCE_MS);
  }
}
