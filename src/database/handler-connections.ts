import type { Pool, PoolClient } from 'pg';

interface Waiting {
  readonly resolve: (client: PoolClient) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The connections of handler transactions: at most `places` at once, first come first served. While somebody waits, a connection may
 * go from hand to hand (`nextInLine`) without a visit to the pool.
 */
export class HandlerConnections {
  private readonly line: Waiting[] = [];

  constructor(
    private places: number,
    private readonly pool: () => Pool,
  ) {}

  /** Rejects when no connection can be made. */
  acquire(): Promise<PoolClient> {
    if (this.places > 0) {
      this.places--;
      return this.connect();
    }
    return new Promise((resolve, reject) => this.line.push({ resolve, reject }));
  }

  /** Takes who has waited longest out of the line. @returns what hands the connection over; undefined when nobody waits. */
  nextInLine(): ((client: PoolClient) => void) | undefined {
    return this.line.shift()?.resolve;
  }

  /** @param destroy it must not be used again. */
  giveBack(client: PoolClient, destroy: boolean): void {
    client.release(destroy);
    this.vacate();
  }

  private async connect(): Promise<PoolClient> {
    try {
      return await this.pool().connect();
    } catch (error) {
      this.vacate();
      throw error;
    }
  }

  private vacate(): void {
    const next = this.line.shift();
    if (next) this.connect().then(next.resolve, next.reject);
    else this.places++;
  }
}
