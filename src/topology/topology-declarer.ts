import { Injectable, Logger } from '@nestjs/common';
import { BrokerConnections } from '../broker/broker.module';
import { EventBus, type Drift } from '../message/message.module';
import { describeDrift, readInequality } from './drift';
import { InjectConfig, type BrokerConfig } from '../config/config.module';
import { housePlan, type ExchangePlan, type QueuePlan, type TopologyPlan } from './plan';

/** More differences than this in one queue are not worth telling one by one. */
const MOST_DIFFERENCES = 12;

/**
 * Applies a plan. Everything is declared on throw-away channels, because a refusal closes the channel it happens on; and on
 * the consuming connection, because a broker under an alarm does not answer a connection that publishes.
 * An existing queue is never deleted or changed.
 */
@Injectable()
export class TopologyDeclarer {
  private readonly logger = new Logger(TopologyDeclarer.name);

  private house: Promise<unknown> | undefined;
  /** The drift last told of, by queue. */
  private readonly told = new Map<string, string>();
  /** What was there when it was last declared over this connection. */
  private readonly seen = { queue: new Set<string>(), exchange: new Set<string>() };

  constructor(
    @InjectConfig('broker') private readonly config: BrokerConfig,
    private readonly broker: BrokerConnections,
    private readonly events: EventBus,
  ) {
    broker.consume.onConnected(() => {
      this.house = undefined;
      // Another broker, or the same one restored from nothing, may have none of them.
      this.seen.queue.clear();
      this.seen.exchange.clear();
    });
  }

  /** What every consumer shares; once per connection. */
  async ensureHouse(): Promise<void> {
    const declaring = (this.house ??= this.declare(housePlan(this.config.namespace)));
    try {
      await declaring;
    } catch (error) {
      if (this.house === declaring) this.house = undefined;
      throw error;
    }
  }

  /** The same once more, now: somebody has deleted a part of it. */
  async restoreHouse(): Promise<void> {
    this.house = undefined;
    await this.ensureHouse();
  }

  /**
   * @returns how existing queues differ from the plan; empty when all is as declared.
   * @throws Error when the broker is away or refuses (missing rights, a queue of somebody else that does not exist).
   */
  async declare(plan: TopologyPlan): Promise<readonly Drift[]> {
    for (const exchange of plan.exchanges) await this.declareExchange(exchange);
    const drift: Drift[] = [];
    for (const queue of plan.queues) drift.push(...(await this.declareQueue(queue)));
    await this.broker.consume.withChannel(async (channel) => {
      for (const { queue, exchange, routingKey } of plan.bindings)
        await channel.bindQueue(queue, exchange, routingKey);
    });
    for (const { name } of plan.exchanges) this.seen.exchange.add(name);
    for (const { queue } of plan.bindings) this.seen.queue.add(queue);
    for (const { name } of plan.queues)
      this.tell(
        name,
        drift.filter(({ queue }) => queue === name),
      );
    return drift;
  }

  /** Whether it has been declared, or bound, over this connection: if it is gone now, somebody has deleted it. */
  wasThere(kind: 'queue' | 'exchange', name: string): boolean {
    return this.seen[kind].has(name);
  }

  /** Once for each change: a queue that stays as it is, is looked at again and again. */
  private tell(queue: string, drift: readonly Drift[]): void {
    const text = JSON.stringify(drift);
    if (text === (this.told.get(queue) ?? '[]')) return;
    this.told.set(queue, text);
    if (drift.length > 0) this.events.emit('topology.drifted', { queue, drift });
  }

  /** Messages ready and consumers attached, by queue; a queue that does not exist is left out. */
  async depths(queues: readonly string[]): Promise<Map<string, { ready: number; consumers: number }>> {
    const depths = new Map<string, { ready: number; consumers: number }>();
    for (const queue of queues) {
      try {
        const { messageCount, consumerCount } = await this.broker.consume.withChannel((channel) =>
          channel.checkQueue(queue),
        );
        depths.set(queue, { ready: messageCount, consumers: consumerCount });
      } catch (error) {
        this.logger.debug(`the depth of "${queue}" is unknown: ${String(error)}`);
      }
    }
    return depths;
  }

  async exchangeExists(exchange: string): Promise<boolean> {
    if (exchange === '') return true;
    try {
      await this.broker.consume.withChannel((channel) => channel.checkExchange(exchange));
      return true;
    } catch (error) {
      if (replyCode(error) === 404) return false;
      throw error;
    }
  }

  private async declareExchange({ name, type, arguments: args, foreign }: ExchangePlan): Promise<void> {
    if (name === '') return;
    if (foreign && (await this.exchangeExists(name))) return;
    await this.broker.consume.withChannel((channel) =>
      channel.assertExchange(name, type, { durable: true, arguments: args }),
    );
  }

  /** Asks again with each difference adopted, which changes nothing and brings out the next one. */
  private async declareQueue(queue: QueuePlan): Promise<Drift[]> {
    const drift: Drift[] = [];
    const args: Record<string, string | number | boolean | undefined> = { ...queue.arguments };
    const flags: Record<string, string | number | boolean | undefined> = {
      durable: true,
      autoDelete: false,
      exclusive: false,
    };
    for (let round = 0; round < MOST_DIFFERENCES; round++) {
      try {
        await this.broker.consume.withChannel((channel) =>
          channel.assertQueue(queue.name, { ...flags, arguments: args }),
        );
        return drift;
      } catch (error) {
        const inequality = replyCode(error) === 406 ? readInequality(String(error)) : undefined;
        if (!inequality) throw error;
        const flag = { durable: 'durable', auto_delete: 'autoDelete', exclusive: 'exclusive' }[
          inequality.argument
        ];
        const target = flag ? flags : args;
        const name = flag ?? inequality.argument;
        drift.push(describeDrift(queue.name, target[name], inequality));
        target[name] = inequality.existing;
      }
    }
    return drift;
  }
}

function replyCode(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}
