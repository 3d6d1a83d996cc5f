import type { Socket } from 'node:net';
import type { Conditions } from './conditions';
import { Flow, reset } from './flow';
import type { Sieve } from './sieve';
import type { Direction } from './wire';

export type Both<T> = Readonly<Record<Direction, T>>;

/** One connection through a wire: two sockets and a flow each way. */
export class Link {
  private readonly flows: Both<Flow>;
  /** Resolves when neither socket is open any more. */
  readonly closed: Promise<unknown>;

  constructor(
    private readonly client: Socket,
    private readonly server: Socket,
    conditions: Both<Conditions>,
    sieves: Partial<Both<Sieve>>,
  ) {
    this.flows = {
      'to-server': new Flow(client, server, conditions['to-server'], sieves['to-server']),
      'to-client': new Flow(server, client, conditions['to-client'], sieves['to-client']),
    };
    // Why it broke is of no interest; that it did is told to the other side by `close`.
    for (const socket of [client, server]) socket.on('error', () => undefined);
    this.closed = Promise.all(
      [client, server].map((socket) => new Promise((resolve) => socket.once('close', resolve))),
    );
  }

  change(conditions: Both<Conditions>): void {
    this.flows['to-server'].change(conditions['to-server']);
    this.flows['to-client'].change(conditions['to-client']);
  }

  /** Both sides get a reset, whatever is still under way. */
  cut(): void {
    this.flows['to-server'].stop();
    this.flows['to-client'].stop();
    reset(this.client);
    reset(this.server);
  }
}
