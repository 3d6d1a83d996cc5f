import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

export type Side = 'client' | 'server';

/** One connection through the proxy. */
export interface Link {
  readonly number: number;
  /** The first bytes of the client, enough to tell connections apart by what they say of themselves. */
  readonly greeting: string;
  /** Ends both sides at once, as a broken cable that is noticed. */
  cut(): void;
}

/** `forward` it, `drop` it in silence, `cut` the connection without forwarding it, or send these bytes instead. */
export type Verdict = 'forward' | 'drop' | 'cut' | Buffer;

const GREETING_BYTES = 4_096;

/** A program between Holdfast and a server, to lose what a network loses: a packet, an answer, a connection. */
export class TcpProxy {
  private readonly links = new Set<Link>();
  private made = 0;
  /** Asked for every chunk; the default forwards everything. */
  judge: (chunk: Buffer, from: Side, link: Link) => Verdict = () => 'forward';

  private constructor(
    private readonly server: Server,
    /** The server's address, by way of this proxy. */
    readonly url: string,
  ) {}

  static async to(url: string): Promise<TcpProxy> {
    const target = new URL(url.split(',')[0] ?? url);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = new URL(target.href);
    address.hostname = '127.0.0.1';
    address.port = String((server.address() as AddressInfo).port);
    const proxy = new TcpProxy(server, address.href);
    server.on('connection', (client) => {
      proxy.join(client, connect(Number(target.port), target.hostname));
    });
    return proxy;
  }

  /** Cuts every connection through it (that fits). @returns how many. */
  cut(fits: (link: Link) => boolean = () => true): number {
    const chosen = [...this.links].filter(fits);
    for (const link of chosen) link.cut();
    return chosen.length;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private join(client: Socket, server: Socket): void {
    let greeting = '';
    const cut = (): void => {
      client.destroy();
      server.destroy();
      this.links.delete(link);
    };
    const link: Link = {
      number: ++this.made,
      get greeting() {
        return greeting;
      },
      cut,
    };
    this.links.add(link);
    const carry = (from: Socket, to: Socket, side: Side): void => {
      from.setNoDelay(true);
      from.on('data', (chunk: Buffer) => {
        if (side === 'client' && greeting.length < GREETING_BYTES) greeting += chunk.toString('latin1');
        const verdict = this.judge(chunk, side, link);
        if (verdict === 'cut') cut();
        else if (verdict === 'forward') to.write(chunk);
        else if (verdict !== 'drop') to.write(verdict);
      });
      from.on('error', cut);
      from.on('close', cut);
    };
    carry(client, server, 'client');
    carry(server, client, 'server');
  }
}
