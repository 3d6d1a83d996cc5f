/*
 * As much of the peers' types as the bench uses. The packages themselves are installed by `npm run bench` alone, and types must be right
 * without them; an ambient module is taken before an installed one, so they are the same with them.
 */

declare module 'rascal' {
  interface Subscription {
    on(
      event: 'message',
      listener: (message: unknown, content: unknown, ackOrNack: (error?: Error) => void) => void,
    ): Subscription;
    on(event: 'error' | 'invalid_content', listener: (error: Error) => void): Subscription;
  }
  export class BrokerAsPromised {
    static create(config: object): Promise<BrokerAsPromised>;
    subscribe(name: string): Promise<Subscription>;
    on(event: 'error', listener: (error: Error) => void): this;
    shutdown(): Promise<void>;
  }
  export function withDefaultConfig(config: object): object;
}

declare module 'rabbitmq-client' {
  interface Consumer {
    on(event: 'error', listener: (error: unknown) => void): this;
    on(event: 'ready', listener: () => void): this;
    close(): Promise<void>;
  }
  export class Connection {
    constructor(options: string | object);
    on(event: 'error', listener: (error: unknown) => void): this;
    createConsumer(
      options: { queue: string; qos: { prefetchCount: number }; queueOptions?: { passive?: boolean } },
      handle: (message: { body: unknown }) => Promise<void>,
    ): Consumer;
    close(): Promise<void>;
  }
}

declare module 'pg-transactional-outbox' {
  interface Client {
    query(text: string, values?: unknown[]): Promise<unknown>;
  }
  interface TransactionalMessage {
    id: string;
    aggregateType: string;
    aggregateId: string;
    messageType: string;
    concurrency?: 'sequential' | 'parallel';
    payload: unknown;
  }
  interface PollingListenerConfig {
    outboxOrInbox: 'inbox' | 'outbox';
    dbListenerConfig: object;
    dbHandlerConfig?: object;
    settings: Record<string, unknown>;
  }
  interface Logger {
    error(error: unknown): void;
  }
  export function getDisabledLogger(): Logger;
  export function initializeMessageStorage(
    config: Pick<PollingListenerConfig, 'settings' | 'outboxOrInbox'>,
    logger: Logger,
  ): (message: TransactionalMessage, client: Client) => Promise<void>;
  export function initializePollingMessageListener(
    config: PollingListenerConfig,
    handler: { handle(message: TransactionalMessage, client: Client): Promise<void> },
    logger: Logger,
  ): [shutdown: () => Promise<void>];
  interface Setup {
    outboxOrInbox: 'inbox' | 'outbox';
    database: string;
    schema: string;
    table: string;
    listenerRole: string;
    nextMessagesName: string;
  }
  export const DatabaseSetup: {
    dropAndCreateTable(setup: Setup): string;
    createPollingFunction(setup: Setup): string;
    setupPollingIndexes(setup: Setup): string;
  };
}
