import { Logger, type LoggerService } from '@nestjs/common';
import { AmqpConnection } from '@golevelup/nestjs-rabbitmq';
import type { Channel, ChannelModel } from 'amqplib';
import type { BrokerConfig } from '../config/config.module';
import { backoffMs, settleWithin, type EventBus } from '../message/message.module';
import { answerWithin } from './answer-within';
import { closeChannel } from './close-channel';
import { writeOnceATurn } from './one-write-a-turn';
import { surviveUnreadableHeaders } from './unreadable-headers';

export type ConnectionName = 'consume' | 'publish';
export type ConnectionStatus = 'connected' | 'disconnected' | 'blocked';

/** How long a broker may take to say that a connection is closed. */
const CLOSE_MS = 3_000;

/** The `connection.changed` event is what the house logs; golevelup's own lines would say everything twice. */
const quiet: LoggerService = {
  log: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  debug: () => undefined,
};

/**
 * One AMQP connection, kept by golevelup's AmqpConnection: it reconnects for ever, over all brokers of the cluster in turn.
 * Its channels and consumers are not used (see `docs/adr/0002-own-consumption.md`); what is opened here are raw channels.
 */
export class BrokerConnection {
  private readonly logger = new Logger(BrokerConnection.name);
  private readonly amqp: AmqpConnection;
  private readonly connectedListeners = new Set<(model: ChannelModel) => void>();
  private current: ChannelModel | undefined;
  private failures = 0;
  private state: ConnectionStatus = 'disconnected';
  /** The last change that was told; a broker that is away at the start is one, too. */
  private told: ConnectionStatus | undefined;
  private blockedReason: string | undefined;

  constructor(
    readonly name: ConnectionName,
    config: BrokerConfig,
    private readonly events: EventBus,
  ) {
    this.amqp = new AmqpConnection({
      name,
      uri: [...config.urls],
      registerHandlers: false,
      enableDirectReplyTo: false,
      connectionInitOptions: {
        wait: false,
        skipConnectionFailedLogging: true,
        skipDisconnectFailedLogging: true,
      },
      defaultPublishOptions: { persistent: true },
      connectionManagerOptions: {
        heartbeatIntervalInSeconds: config.heartbeatSeconds,
        reconnectTimeInSeconds: 1,
        connectionOptions: {
          // Without it a lone acknowledgement waits some 40 ms for Nagle and the delayed TCP ACK.
          noDelay: true,
          timeout: 10_000,
          keepAlive: true,
          clientProperties: { connection_name: `holdfast:${config.namespace}:${name}` },
        },
      },
      logger: quiet,
    });
  }

  get status(): ConnectionStatus {
    return this.state;
  }

  /** The open connection, or undefined while there is none. */
  get model(): ChannelModel | undefined {
    return this.current;
  }

  /** `'3.10.8'`, as the broker introduced itself; undefined while there is no connection. */
  get serverVersion(): string | undefined {
    const version = this.current?.connection.serverProperties['version'];
    return typeof version === 'string' ? version : undefined;
  }

  /** Why the broker has blocked this connection, e.g. a memory alarm; undefined when it has not. */
  get blocked(): string | undefined {
    return this.blockedReason;
  }

  /** Returns at once; connecting goes on in the background for as long as it takes. */
  start(): void {
    // With `wait: false` this settles only when the default channel is set up, which may be never.
    this.amqp.init().catch((error: unknown) => {
      this.logger.error(`connection ${this.name} could not be set up: ${String(error)}`);
    });
    const manager = this.amqp.managedConnection;
    manager.on('connect', ({ connection }) => {
      this.failures = 0;
      // ACM types the ChannelModel that it emits as amqplib's narrower Connection.
      this.current = connection as unknown as ChannelModel;
      surviveUnreadableHeaders(this.current);
      writeOnceATurn(this.current);
      this.change('connected');
      for (const listener of this.connectedListeners) listener(this.current);
    });
    manager.on('disconnect', ({ err }: { err?: Error }) => {
      this.current = undefined;
      this.spreadReconnect();
      this.change('disconnected', err?.message ?? 'closed');
    });
    manager.on('connectFailed', ({ err }) => {
      this.spreadReconnect();
      this.change('disconnected', err.message);
    });
    manager.on('blocked', ({ reason }) => {
      this.change('blocked', reason);
    });
    manager.on('unblocked', () => {
      this.change('connected');
    });
  }

  /** Calls back now if connected, and on every connection from then on. @returns a function that stops it. */
  onConnected(listener: (model: ChannelModel) => void): () => void {
    this.connectedListeners.add(listener);
    if (this.current) listener(this.current);
    return () => this.connectedListeners.delete(listener);
  }

  /** Runs `work` on a channel of its own. What closed the channel, not the call that noticed it, is what is thrown. */
  async withChannel<T>(work: (channel: Channel) => Promise<T>): Promise<T> {
    const model = this.current;
    if (!model) throw new Error(`there is no ${this.name} connection to the broker`);
    const channel = await model.createChannel();
    let refusal: Error | undefined;
    channel.on('error', (error: Error) => (refusal = error));
    try {
      return await answerWithin(work(channel), `on connection ${this.name}`);
    } catch (error) {
      throw refusal ?? error;
    } finally {
      await closeChannel(channel);
    }
  }

  async close(): Promise<void> {
    // There is none while the application has not started, as after a boot that a wrong handler stopped.
    const manager = this.amqp.managedConnection as typeof this.amqp.managedConnection | undefined;
    if (manager && !(await settleWithin(manager.close(), CLOSE_MS))) {
      this.logger.warn(`the broker did not say goodbye on connection ${this.name} within ${CLOSE_MS} ms`);
    }
    this.current = undefined;
    this.state = 'disconnected';
  }

  /** A fixed delay would bring all replicas back in the same second. */
  private spreadReconnect(): void {
    this.failures++;
    this.amqp.managedConnection.reconnectTimeInSeconds = backoffMs(this.failures, 200, 5_000) / 1_000;
  }

  private change(state: ConnectionStatus, reason?: string): void {
    this.blockedReason = state === 'blocked' ? (reason ?? 'resource alarm') : undefined;
    this.state = state;
    if (this.told === state && state !== 'blocked') return;
    this.told = state;
    this.events.emit('connection.changed', {
      connection: this.name,
      state,
      ...(reason === undefined ? {} : { reason }),
    });
  }
}
