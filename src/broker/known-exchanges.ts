import type { BrokerConnection } from './broker-connection';

/**
 * Which exchanges exist. Publishing to one that does not closes the channel, and with it every other publication under way on it;
 * asking first, on a channel of its own, keeps the mistake with the one who made it.
 */
export class KnownExchanges {
  private readonly known = new Set(['']);

  /** @param connection one that never publishes: a broker under an alarm does not answer the others. */
  constructor(private readonly connection: BrokerConnection) {}

  async exists(exchange: string): Promise<boolean> {
    if (this.known.has(exchange)) return true;
    try {
      await this.connection.withChannel((channel) => channel.checkExchange(exchange));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 404) return false;
      throw error;
    }
    this.known.add(exchange);
    return true;
  }

  /** One of them may be gone: ask again. */
  forget(): void {
    this.known.clear();
    this.known.add('');
  }
}
