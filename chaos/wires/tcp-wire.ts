import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { conditionsOf, type Conditions, type Trouble } from './conditions';
import { reset } from './flow';
import { Link, type Both } from './link';
import type { Sieve } from './sieve';
import type { Direction, Undo, Wire } from './wire';

/** A wire that knows nothing of what it carries; those for a protocol give each connection its sieves. */
export class TcpWire implements Wire {
  readonly url: string;
  private readonly target: URL;
  /** In the order in which they were opened. */
  private readonly links = new Set<Link>();
  private readonly troubles = new Set<Trouble>();
  private readonly undos = new Set<Undo>();
  private conditions: Both<Conditions> = this.assess();

  constructor(
    private readonly listener: Server,
    serverUrl: string,
  ) {
    this.target = new URL(serverUrl);
    const address = new URL(serverUrl);
    address.hostname = '127.0.0.1';
    address.port = String((listener.address() as AddressInfo).port);
    this.url = address.href;
    listener.on('connection', (client: Socket) => {
      this.join(client);
    });
  }

  get connections(): number {
    return this.links.size;
  }

  /** The oldest first, so that one cut after the other finds each connection once. */
  cut(share = 1): number {
    const links = [...this.links].slice(0, Math.ceil(this.links.size * share));
    for (const link of links) link.cut();
    return links.length;
  }

  /** The wire goes on listening, so that nobody else gets its port: a new connection is reset as soon as it is there. */
  refuse(): Undo {
    const undo = this.suffer({ kind: 'refuse' });
    this.cut();
    return undo;
  }

  mute(direction: Direction): Undo {
    return this.suffer({ kind: 'mute', direction }, () => this.cut());
  }

  hold(): Undo {
    return this.suffer({ kind: 'hold' });
  }

  delay(ms: number): Undo {
    return this.suffer({ kind: 'delay', ms });
  }

  throttle(direction: Direction, bytesPerSecond: number): Undo {
    return this.suffer({ kind: 'throttle', direction, bytesPerSecond });
  }

  mend(): void {
    for (const undo of [...this.undos]) undo();
  }

  async close(): Promise<void> {
    this.mend();
    const ends = [...this.links].map(({ closed }) => closed);
    ends.push(new Promise((resolve) => this.listener.close(resolve)));
    this.cut();
    await Promise.all(ends);
  }

  /** For one new connection. */
  protected sieves(): Partial<Both<Sieve>> {
    return {};
  }

  /** What `mend` ends too, once. */
  protected undoable(end: () => void): Undo {
    const undo = (): void => {
      if (this.undos.delete(undo)) end();
    };
    this.undos.add(undo);
    return undo;
  }

  private suffer(trouble: Trouble, afterwards?: () => void): Undo {
    this.troubles.add(trouble);
    this.reassess();
    return this.undoable(() => {
      afterwards?.();
      this.troubles.delete(trouble);
      this.reassess();
    });
  }

  private reassess(): void {
    this.conditions = this.assess();
    for (const link of this.links) link.change(this.conditions);
  }

  private assess(): Both<Conditions> {
    return {
      'to-server': conditionsOf(this.troubles, 'to-server'),
      'to-client': conditionsOf(this.troubles, 'to-client'),
    };
  }

  private join(client: Socket): void {
    if ([...this.troubles].some(({ kind }) => kind === 'refuse')) {
      client.on('error', () => undefined);
      reset(client);
      return;
    }
    const { hostname, port } = this.target;
    const server = connect({ host: hostname, port: Number(port), noDelay: true, allowHalfOpen: true });
    const link = new Link(client, server, this.conditions, this.sieves());
    this.links.add(link);
    void link.closed.then(() => this.links.delete(link));
  }
}

/** On a port of its own; for the constructors of wires, which cannot wait. */
export async function listen(): Promise<Server> {
  const listener = createServer({ noDelay: true, allowHalfOpen: true });
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(0, '127.0.0.1', resolve);
  });
  return listener;
}
