import type { Channel, ConsumeMessage } from 'amqplib';
import type { Delivery } from '../message/message.module';
import { Acknowledgements } from './acknowledgements';
import { answerWithin } from './answer-within';
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
  private readonly acknowledgements = new Acknowledgements((tag, upTo) => {
    this.send(() => {
      this.channel.ack({ fields: { deliveryTag: tag } } as ConsumeMessage, upTo);
    });
  });

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
    this.acknowledgements.forget();
  }

  /** Sends the acknowledgements of this turn now. To be called before the channel is closed: what was not sent comes again. */
  flush(): void {
    this.acknowledgements.flush();
  }

  /** @param onCancelled the broker ended the subscription, e.g. because the queue was deleted. */
  async consume(
    queue: string,
    prefetch: number,
    onDelivery: (delivery: ChannelDelivery) => void,
    onCancelled: () => void,
  ): Promise<string> {
    await answerWithin(this.channel.prefetch(prefetch), `prefetch for "${queue}"`);
    const subscribing = this.channel.consume(queue, (message: ConsumeMessage | null) => {
      if (message === null) onCancelled();
      else {
        const tag = message.fields.deliveryTag;
        this.acknowledgements.delivered(tag);
        onDelivery({ delivery: readDelivery(message, queue, this.dueExchange), channel: this, tag });
      }
    });
    const { consumerTag } = await answerWithin(subscribing, `consume "${queue}"`);
    return consumerTag;
  }

  async cancel(consumerTag: string): Promise<void> {
    if (this.open) await this.channel.cancel(consumerTag);
  }

  /**
   * Acknowledges it, at the end of this turn of the event loop and together with others where that is safe.
   * @returns false when the channel is gone and the broker will deliver it again. Never throws.
   */
  acknowledge(tag: number): boolean {
    return this.open && this.acknowledgements.acknowledge(tag);
  }

  /** Gives it back to the queue. @returns as `acknowledge`. */
  requeue(tag: number): boolean {
    return this.refuse(tag, true);
  }

  /** Lets the broker dead-letter it, byte for byte, by the queue's own arguments. @returns as `acknowledge`. */
  reject(tag: number): boolean {
    return this.refuse(tag, false);
  }

  private refuse(tag: number, requeue: boolean): boolean {
    if (!this.acknowledgements.withdraw(tag)) return false;
    return this.send(() => {
      this.channel.nack({ fields: { deliveryTag: tag } } as ConsumeMessage, false, requeue);
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
