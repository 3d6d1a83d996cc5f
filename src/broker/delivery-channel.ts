import type { Channel, ConsumeMessage } from 'amqplib';
import type { Delivery } from '../message/message.module';
import { readDelivery } from './delivery-reader';

/** A delivery together with the one channel it may be settled on. */
export interface ChannelDelivery {
  readonly delivery: Delivery;
  readonly channel: DeliveryChannel;
  readonly tag: number;
}

/**
 * One channel in one life: what was delivered on it is settled on it or not at all. Delivery tags start again at 1 on the
 * next channel, so an acknowledgement that went there would acknowledge somebody else's message.
 */
export class DeliveryChannel {
  private open = true;

  constructor(
    private readonly channel: Channel,
    private readonly dueExchange: string,
  ) {}

  get isOpen(): boolean {
    return this.open;
  }

  /** Called when the channel is gone; nothing is sent on it from then on. */
  markLost(): void {
    this.open = false;
  }

  /** @param onCancelled the broker ended the subscription, e.g. because the queue was deleted. */
  async consume(
    queue: string,
    prefetch: number,
    onDelivery: (delivery: ChannelDelivery) => void,
    onCancelled: () => void,
  ): Promise<string> {
    await this.channel.prefetch(prefetch);
    const { consumerTag } = await this.channel.consume(queue, (message: ConsumeMessage | null) => {
      if (message === null) onCancelled();
      else {
        const delivery = readDelivery(message, queue, this.dueExchange);
        onDelivery({ delivery, channel: this, tag: message.fields.deliveryTag });
      }
    });
    return consumerTag;
  }

  async cancel(consumerTag: string): Promise<void> {
    if (this.open) await this.channel.cancel(consumerTag);
  }

  /** @returns false when the channel is gone and the broker will deliver it again. Never throws. */
  acknowledge(tag: number): boolean {
    return this.send(() => {
      this.channel.ack({ fields: { deliveryTag: tag } } as ConsumeMessage);
    });
  }

  /** Gives it back to the queue. @returns as `acknowledge`. */
  requeue(tag: number): boolean {
    return this.send(() => {
      this.channel.nack({ fields: { deliveryTag: tag } } as ConsumeMessage, false, true);
    });
  }

  private send(action: () => void): boolean {
    if (!this.open) return false;
    try {
      action();
      return true;
    } catch {
      // amqplib throws IllegalOperationError on a closed channel; a failed acknowledgement is not a failed message.
      this.open = false;
      return false;
    }
  }
}
