import { confirmSieve } from './amqp-frames';
import type { Both } from './link';
import type { Sieve } from './sieve';
import { listen, TcpWire } from './tcp-wire';
import type { AmqpWire, Undo } from './wire';

/** @param serverUrl of one RabbitMQ node, with its port, without TLS. */
export async function openAmqpWire(serverUrl: string): Promise<AmqpWire> {
  return new ConfirmLosingWire(await listen(), serverUrl);
}

class ConfirmLosingWire extends TcpWire implements AmqpWire {
  private readonly swallowers = new Set<symbol>();

  swallowConfirms(): Undo {
    const swallower = Symbol();
    this.swallowers.add(swallower);
    return this.undoable(() => this.swallowers.delete(swallower));
  }

  protected override sieves(): Partial<Both<Sieve>> {
    return { 'to-client': confirmSieve(() => this.swallowers.size > 0) };
  }
}
