import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { InjectConfig, type BrokerConfig } from '../config/config.module';
import { backoffMs, DependencyGate, EventBus } from '../message/message.module';
import { BrokerConnection, type ConnectionStatus } from './broker-connection';
import { ConfirmPublisher } from './confirm-publisher';
import { KnownExchanges } from './known-exchanges';

/**
 * The two connections. One consumes, acknowledges and declares; the other publishes, so that a broker that blocks publishers
 * (memory or disk alarm) still reads our acknowledgements.
 */
@Injectable()
export class BrokerConnections implements OnApplicationShutdown {
  readonly consume: BrokerConnection;
  readonly publish: BrokerConnection;
  /** For retry and dead-letter copies. */
  readonly copies: ConfirmPublisher;
  /** For what handlers and the admin API publish. */
  readonly outgoing: ConfirmPublisher;
  /** Whether a copy can be published. */
  readonly publisherGate: DependencyGate;

  constructor(@InjectConfig('broker') config: BrokerConfig, events: EventBus) {
    this.consume = new BrokerConnection('consume', config, events);
    this.publish = new BrokerConnection('publish', config, events);
    this.copies = new ConfirmPublisher(
      this.publish,
      config.publishTimeoutMs,
      new KnownExchanges(this.consume),
    );
    this.outgoing = new ConfirmPublisher(
      this.publish,
      config.publishTimeoutMs,
      new KnownExchanges(this.consume),
    );
    this.publisherGate = new DependencyGate(
      'publisher',
      () => this.probePublisher(),
      events,
      (n) => backoffMs(n, 100, 5_000),
    );
    events.on('connection.changed', ({ connection, state }) => {
      if (connection === 'publish' && state === 'connected') this.publisherGate.hurry();
    });
  }

  start(): void {
    this.copies.start();
    this.outgoing.start();
    this.publish.start();
    this.consume.start();
    this.publisherGate.start();
  }

  status(): { consume: ConnectionStatus; publish: ConnectionStatus } {
    return { consume: this.consume.status, publish: this.publish.status };
  }

  /** Last of all: consumers have drained by now (`beforeApplicationShutdown`). */
  async onApplicationShutdown(): Promise<void> {
    this.publisherGate.stop();
    await Promise.all([this.copies.stop(), this.outgoing.stop()]);
    await Promise.all([this.consume.close(), this.publish.close()]);
  }

  private probePublisher(): Promise<void> {
    const unavailable = this.copies.unavailable;
    return unavailable === undefined ? Promise.resolve() : Promise.reject(new Error(unavailable));
  }
}
