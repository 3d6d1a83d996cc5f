import { Injectable } from '@nestjs/common';
import { BrokerConnections } from '../../broker/broker.module';
import { settleWithin } from '../../message/message.module';

/** However often somebody looks, the broker is asked at most this often. */
const FRESH_MS = 5_000;
/** A scrape does not wait longer for a broker that is slow. */
const PATIENCE_MS = 1_000;

/**
 * How many messages wait in queues, asked when somebody wants to know: no scrape, no traffic. It asks on a channel of its
 * own, which the broker closes when a queue does not exist.
 */
@Injectable()
export class QueueDepths {
  private depths: ReadonlyMap<string, number> = new Map();
  private askedAt = -Infinity;
  private asking: Promise<void> | undefined;

  constructor(private readonly broker: BrokerConnections) {}

  /** The last known depths; a queue that does not exist or cannot be asked for is not in it. */
  async of(queues: readonly string[]): Promise<ReadonlyMap<string, number>> {
    if (performance.now() - this.askedAt > FRESH_MS) {
      this.asking ??= this.ask(queues).finally(() => (this.asking = undefined));
      await settleWithin(this.asking, PATIENCE_MS);
    }
    return this.depths;
  }

  private async ask(queues: readonly string[]): Promise<void> {
    const depths = new Map<string, number>();
    let left = [...queues];
    while (left.length > 0 && this.broker.consume.status === 'connected') {
      left = await this.askUntilRefused(left, depths);
    }
    this.depths = depths;
    this.askedAt = performance.now();
  }

  /** @returns the queues that are still to be asked for, without the one that closed the channel. */
  private async askUntilRefused(queues: readonly string[], depths: Map<string, number>): Promise<string[]> {
    let asked = 0;
    try {
      await this.broker.consume.withChannel(async (channel) => {
        for (const queue of queues) {
          asked++;
          depths.set(queue, (await channel.checkQueue(queue)).messageCount);
        }
      });
    } catch {
      // Not there, or the connection went: the state of consumers and connections tells that, not a depth.
    }
    return queues.slice(Math.max(asked, 1));
  }
}
