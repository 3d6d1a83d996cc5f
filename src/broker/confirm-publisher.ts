import type { ConfirmChannel, Message } from 'amqplib';
import { settleWithin } from '../message/message.module';
import type { BrokerConnection } from './broker-connection';
import { ChannelKeeper, confirmChannel } from './channel-keeper';
import type { KnownExchanges } from './known-exchanges';
import type { Publication } from './publication';
import { UnpublishableError } from './unpublishable-error';

/** The broker took the message and had no queue for it. Nothing holds it now. */
export class UnroutableError extends Error {
  override readonly name = 'UnroutableError';

  constructor(
    readonly exchange: string,
    readonly routingKey: string,
    detail = 'no queue is bound for it',
  ) {
    super(
      `a message for exchange "${exchange}" with routing key "${routingKey}" could not be routed: ${detail}`,
    );
  }
}

/** No confirm came: the broker may or may not hold the message. */
export class UnconfirmedError extends Error {
  override readonly name: string = 'UnconfirmedError';
}

/** The broker says that it did not take it (`basic.nack`): most likely a queue behind the exchange is full and rejects publishes. */
export class RefusedError extends UnconfirmedError {
  override readonly name = 'RefusedError';

  constructor(
    readonly exchange: string,
    readonly routingKey: string,
  ) {
    super(
      `the broker refused a message for exchange "${exchange}" with routing key "${routingKey}": a queue behind it takes no more`,
    );
  }
}

/** How amqplib words a `basic.nack`; it gives the same callback an error when the channel closes. */
const NACKED = 'message nacked';

/** Longer than a channel has to live to be opened again without a wait. */
const RENEW_EVERY_MS = 15_000;
/** What publications wait for another channel at most. */
const RENEWAL_MS = 2_000;

interface Pending {
  returned: boolean;
  readonly publication: Publication;
}

/**
 * Publishes with confirm and mandatory over a raw confirm channel of the publishing connection. Nothing is buffered: without
 * a channel it fails at once, because a buffer that is sent after a reconnect makes a ghost copy of what came back meanwhile.
 */
export class ConfirmPublisher {
  private readonly keeper: ChannelKeeper<ConfirmChannel>;
  private channel: ConfirmChannel | undefined;
  private readonly pending = new Map<string, Set<Pending>>();
  private renewing: Promise<void> | undefined;
  private renewedAt = -Infinity;
  private onIdle: () => void = () => undefined;
  private onReady: () => void = () => undefined;

  constructor(
    private readonly connection: BrokerConnection,
    private readonly timeoutMs: number,
    private readonly exchanges: KnownExchanges,
  ) {
    this.keeper = new ChannelKeeper<ConfirmChannel>(connection, {
      create: confirmChannel,
      setup: (channel) => {
        channel.on('return', (message: Message) => {
          this.markReturned(message);
        });
        this.channel = channel;
        this.onReady();
        return Promise.resolve();
      },
      lost: () => {
        this.channel = undefined;
        this.exchanges.forget();
      },
    });
  }

  start(): void {
    this.keeper.start();
  }

  async stop(): Promise<void> {
    await this.keeper.stop();
  }

  /** Undefined when a publication can be tried now; else why it cannot. */
  get unavailable(): string | undefined {
    if (this.connection.blocked !== undefined)
      return `the broker blocks publishing: ${this.connection.blocked}`;
    return this.channel ? undefined : 'there is no publishing connection to the broker';
  }

  /**
   * Resolves when the broker has confirmed the message and routed it to a queue.
   * @throws UnroutableError no queue took it. @throws UnconfirmedError the outcome is unknown; publish again with the same id.
   * @throws RefusedError a queue is full; publish again later.
   * @throws UnpublishableError it was not sent, and never can be.
   */
  async publish(publication: Publication): Promise<void> {
    const { exchange, routingKey } = publication;
    if (!(await this.isKnown(exchange))) {
      throw new UnroutableError(exchange, routingKey, 'the exchange does not exist');
    }
    // The last wait before it is sent: nothing may go out on a channel that is being closed.
    if (this.renewing) await this.renewing;
    const unavailable = this.unavailable;
    const channel = this.channel;
    if (unavailable !== undefined || !channel) throw new UnconfirmedError(unavailable);
    return this.send(channel, publication);
  }

  private async isKnown(exchange: string): Promise<boolean> {
    try {
      return await this.exchanges.exists(exchange);
    } catch (error) {
      throw new UnconfirmedError(
        `the broker did not say whether exchange "${exchange}" exists: ${String(error)}`,
        { cause: error },
      );
    }
  }

  private send(channel: ConfirmChannel, publication: Publication): Promise<void> {
    const pending: Pending = { returned: false, publication };
    const key = this.track(pending);
    return new Promise<void>((resolve, reject) => {
      const settle = (error: Error | undefined): void => {
        clearTimeout(timer);
        this.untrack(key, pending);
        if (error) reject(error);
        else if (pending.returned) reject(new UnroutableError(publication.exchange, publication.routingKey));
        else resolve();
      };
      const timer = setTimeout(() => {
        settle(new UnconfirmedError(`the broker did not confirm within ${this.timeoutMs} ms`));
      }, this.timeoutMs);
      try {
        channel.publish(
          publication.exchange,
          publication.routingKey,
          publication.body,
          {
            ...publication.properties,
            headers: publication.headers,
            mandatory: true,
            persistent: true,
          },
          (error: Error | null) => {
            settle(error ? this.unconfirmed(error, publication) : undefined);
          },
        );
      } catch (error) {
        const gone = this.channel !== channel;
        const text = `the message could not be sent: ${String(error)}`;
        settle(
          gone
            ? new UnconfirmedError(text, { cause: error })
            : new UnpublishableError(text, { cause: error }),
        );
      }
    });
  }

  private track(pending: Pending): string {
    const { exchange, routingKey, properties, headers } = pending.publication;
    const key = correlation(exchange, routingKey, properties.messageId, headers);
    const same = this.pending.get(key);
    if (same) same.add(pending);
    else this.pending.set(key, new Set([pending]));
    return key;
  }

  private untrack(key: string, pending: Pending): void {
    const same = this.pending.get(key);
    same?.delete(pending);
    if (same?.size === 0) this.pending.delete(key);
    if (this.pending.size === 0) this.onIdle();
  }

  private unconfirmed(error: Error, { exchange, routingKey }: Publication): UnconfirmedError {
    if (error.message !== NACKED) {
      return new UnconfirmedError(`the broker did not confirm the message: ${error.message}`, {
        cause: error,
      });
    }
    if (performance.now() - this.renewedAt > RENEW_EVERY_MS) {
      this.renewedAt = performance.now();
      this.renewing = this.renew().finally(() => (this.renewing = undefined));
    }
    return new RefusedError(exchange, routingKey);
  }

  /**
   * Goes on with another channel. One that met a full queue is refused until the queue is short again, and for ever when somebody
   * has taken the limit away meanwhile (see test/assumptions).
   */
  private async renew(): Promise<void> {
    const idle = new Promise<void>((resolve) => (this.onIdle = resolve));
    // What is under way on the old one is confirmed first; what comes now waits for the new one.
    if (this.pending.size > 0) await settleWithin(idle, this.timeoutMs);
    const ready = new Promise<void>((resolve) => (this.onReady = resolve));
    await this.keeper.renew();
    await settleWithin(ready, RENEWAL_MS);
  }

  /** `basic.return` comes before the confirm on the same channel, and names no sequence number: matched by what it carries. */
  private markReturned(message: Message): void {
    const { exchange, routingKey } = message.fields as { exchange: string; routingKey: string };
    const key = correlation(
      exchange,
      routingKey,
      message.properties.messageId as unknown,
      message.properties.headers ?? {},
    );
    for (const pending of this.pending.get(key) ?? []) pending.returned = true;
  }
}

/** Publications that share it share their route, and so their fate. */
function correlation(
  exchange: string,
  routingKey: string,
  id: unknown,
  headers: Record<string, unknown>,
): string {
  return [exchange, routingKey, id, headers['holdfast-copy-token']].join('\0');
}
