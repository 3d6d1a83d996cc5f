import { randomBytes } from 'node:crypto';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import * as fc from 'fast-check';
import { eventually } from '../../test/support/eventually';
import { reset } from './flow';
import { listen, TcpWire } from './tcp-wire';
import type { Undo } from './wire';

/** One end of a connection, with what came to it. */
class End {
  private readonly chunks: Buffer[] = [];
  error: NodeJS.ErrnoException | undefined;
  hasEnded = false;
  size = 0;

  constructor(readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.chunks.push(chunk);
      this.size += chunk.length;
    });
    socket.on('error', (error) => (this.error = error));
    socket.on('end', () => (this.hasEnded = true));
  }

  get received(): Buffer {
    return Buffer.concat(this.chunks);
  }

  get text(): string {
    return this.received.toString('latin1');
  }
}

describe('a wire', () => {
  let server: Server;
  let wire: TcpWire;
  let atServer: End[];
  let atClient: End[];

  const dial = async (): Promise<{ client: End; server: End }> => {
    const { port } = new URL(wire.url);
    const before = atServer.length;
    const client = new End(connect({ host: '127.0.0.1', port: Number(port), allowHalfOpen: true }));
    atClient.push(client);
    return eventually(() => {
      if (atServer.length === before) throw new Error('not there yet');
      return { client, server: atServer[before]! };
    });
  };
  const attempt = (): End => {
    const client = new End(connect(Number(new URL(wire.url).port), '127.0.0.1'));
    atClient.push(client);
    return client;
  };
  const soon = (look: () => void): Promise<void> => eventually(look);

  beforeEach(async () => {
    atServer = [];
    atClient = [];
    server = createServer({ allowHalfOpen: true }, (socket) => atServer.push(new End(socket)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    wire = new TcpWire(
      await listen(),
      `amqp://user:secret@127.0.0.1:${(server.address() as AddressInfo).port}/a%2Fb`,
    );
  });

  afterEach(async () => {
    await wire.close();
    for (const { socket } of [...atServer, ...atClient]) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    expect(wire.connections).toBe(0);
  });

  it('has the address of the server but for host and port', () => {
    const { port } = new URL(wire.url);
    expect(wire.url).toBe(`amqp://user:secret@127.0.0.1:${port}/a%2Fb`);
    expect(port).not.toBe(String((server.address() as AddressInfo).port));
  });

  it('carries bytes both ways, and the end of each side by itself', async () => {
    const { client, server: far } = await dial();
    client.socket.end('question');
    await soon(() => {
      expect(far.text).toBe('question');
      expect(far.hasEnded).toBe(true);
    });
    expect(client.hasEnded).toBe(false);
    far.socket.end('answer');
    await soon(() => {
      expect(client.text).toBe('answer');
      expect(client.hasEnded).toBe(true);
      expect(wire.connections).toBe(0);
    });
    expect([client.error, far.error]).toEqual([undefined, undefined]);
  });

  it('tells each side when the other breaks off', async () => {
    const one = await dial();
    one.client.socket.resetAndDestroy();
    await soon(() => expect(one.server.error?.code).toBe('ECONNRESET'));
    const other = await dial();
    other.server.socket.resetAndDestroy();
    await soon(() => expect(other.client.error?.code).toBe('ECONNRESET'));
    await soon(() => expect(wire.connections).toBe(0));
  });

  it('resets the client when there is no server', async () => {
    await new Promise((resolve) => server.close(resolve));
    const client = attempt();
    await soon(() => expect(client.error?.code).toBe('ECONNRESET'));
    await soon(() => expect(wire.connections).toBe(0));
  });

  it('lets a sender wait for a slow reader, and loses nothing', async () => {
    const { client, server: far } = await dial();
    far.socket.pause();
    const sent = randomBytes(64 * 2 ** 20);
    let taken = 0;
    for (let at = 0; at < sent.length; at += 2 ** 16) {
      client.socket.write(sent.subarray(at, at + 2 ** 16), () => (taken = at));
    }
    // Until the kernels of three sockets are full.
    for (let before = -1; before < taken;) {
      before = taken;
      await sleep(400);
    }
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(sent.length / 2);
    far.socket.resume();
    await soon(() => expect(far.size).toBe(sent.length));
    expect(far.received.equals(sent)).toBe(true);
  });

  it('cuts a share of the connections, the oldest first, and both sides notice', async () => {
    const links = [await dial(), await dial(), await dial()];
    expect(wire.connections).toBe(3);
    expect(wire.cut(0.5)).toBe(2);
    await soon(() => {
      for (const { client, server: far } of links.slice(0, 2)) {
        expect([client.error?.code, far.error?.code]).toEqual(['ECONNRESET', 'ECONNRESET']);
      }
      expect(wire.connections).toBe(1);
    });
    expect(links[2]!.client.error).toBeUndefined();
    expect(wire.cut()).toBe(1);
    await soon(() => expect(links[2]!.server.error?.code).toBe('ECONNRESET'));
    expect(wire.cut()).toBe(0);
  });

  it('refuses new connections and cuts the open ones, until the undo', async () => {
    const before = await dial();
    const undo = wire.refuse();
    const during = attempt();
    await soon(() => {
      expect(before.client.error?.code).toBe('ECONNRESET');
      expect(during.error?.code).toBe('ECONNRESET');
    });
    expect(atServer).toHaveLength(1);
    undo();
    const after = await dial();
    after.client.socket.write('again');
    await soon(() => expect(after.server.text).toBe('again'));
  });

  describe('that is half open', () => {
    it('swallows one way in silence, and carries the other', async () => {
      const { client, server: far } = await dial();
      const undo = wire.mute('to-server');
      client.socket.write('unheard');
      far.socket.write('heard');
      await soon(() => expect(client.text).toBe('heard'));
      expect(far.text).toBe('');
      expect(wire.connections).toBe(1);
      undo();
      await soon(() => {
        expect(client.error?.code).toBe('ECONNRESET');
        expect(far.error?.code).toBe('ECONNRESET');
      });
      expect(far.text).toBe('');
      const after = await dial();
      undo();
      after.client.socket.write('heard');
      await soon(() => expect(after.server.text).toBe('heard'));
    });

    it('does not tell either that the sender has gone: the undo does', async () => {
      const { client, server: far } = await dial();
      const undo = wire.mute('to-server');
      client.socket.destroy();
      await sleep(100);
      expect([far.hasEnded, far.error, wire.connections]).toEqual([false, undefined, 1]);
      undo();
      await soon(() => {
        expect(far.error?.code).toBe('ECONNRESET');
        expect(wire.connections).toBe(0);
      });
    });
  });

  it('holds everything back, the end too, and lets it go at the undo', async () => {
    const { client, server: far } = await dial();
    const undo = wire.hold();
    client.socket.write('late');
    client.socket.end(' but whole');
    far.socket.write('as late');
    const during = await dial();
    during.client.socket.write('later');
    await sleep(100);
    expect([far.text, far.hasEnded, client.text, during.server.text]).toEqual(['', false, '', '']);
    undo();
    await soon(() => {
      expect([far.text, far.hasEnded]).toEqual(['late but whole', true]);
      expect(client.text).toBe('as late');
      expect(during.server.text).toBe('later');
    });
  });

  it('delays each way and keeps the order, also when the delay ends', async () => {
    const { client, server: far } = await dial();
    const undo = wire.delay(150);
    const sentAt = performance.now();
    client.socket.write('a');
    await sleep(20);
    client.socket.write('b');
    await soon(() => expect(far.text).toBe('ab'));
    expect(performance.now() - sentAt).toBeGreaterThanOrEqual(149);
    far.socket.write('1');
    await sleep(20);
    undo();
    far.socket.write('2');
    await soon(() => expect(client.text).toBe('12'));
  });

  it('throttles one way to so many bytes a second, and holds the sender back', async () => {
    const { client, server: far } = await dial();
    const undo = wire.throttle('to-server', 10_000);
    const startedAt = performance.now();
    client.socket.write(Buffer.alloc(10_000, 'x'));
    far.socket.write(Buffer.alloc(1_000_000, 'y'));
    await soon(() => expect(client.size).toBe(1_000_000));
    expect(far.size).toBeLessThan(10_000);
    await soon(() => expect(far.size).toBe(10_000));
    const ms = performance.now() - startedAt;
    expect(ms).toBeGreaterThan(900);
    expect(ms).toBeLessThan(5_000);
    client.socket.write(Buffer.alloc(16 * 2 ** 20));
    await sleep(200);
    expect(client.socket.writableLength).toBeGreaterThan(0);
    undo();
    await soon(() => expect(far.size).toBe(10_000 + 16 * 2 ** 20));
  });

  it('can break off a socket that is still saying its last words', async () => {
    const { client } = await dial();
    const closed = new Promise((resolve) => client.socket.once('close', resolve));
    client.socket.end('good-bye');
    // By itself it would answer EINVAL, and stay open for ever.
    reset(client.socket);
    await closed;
    expect(client.error).toBeUndefined();
  });

  it('mends every trouble at once; an undo does nothing the second time', async () => {
    const undos = [wire.hold(), wire.delay(60_000), wire.throttle('to-server', 1), wire.refuse()];
    wire.mend();
    const { client, server: far } = await dial();
    wire.hold();
    for (const undo of undos) undo();
    client.socket.write('x');
    await sleep(50);
    expect(far.text).toBe('');
    wire.mend();
    await soon(() => expect(far.text).toBe('x'));
  });

  it('closes with troubles and connections open', async () => {
    const { client } = await dial();
    wire.hold();
    wire.mute('to-client');
    await wire.close();
    await soon(() => expect(client.error?.code).toBe('ECONNRESET'));
    const after = attempt();
    await soon(() => expect(after.error?.code).toBe('ECONNREFUSED'));
  });

  it('never changes a byte or the order of what it carries, whatever comes and goes meanwhile', async () => {
    const noise = randomBytes(25 * 40_000);
    const trouble = fc.constantFrom<() => Undo>(
      () => wire.hold(),
      () => wire.delay(3),
      () => wire.delay(11),
      () => wire.throttle('to-server', 3_000_000),
      // Some 10 KB at a time: a chunk goes in several portions.
      () => wire.throttle('to-client', 200_000),
    );
    const step = fc.record({
      up: fc.integer({ min: 1, max: 40_000 }),
      down: fc.integer({ min: 1, max: 40_000 }),
      trouble: fc.option(trouble),
      mends: fc.boolean(),
      waits: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25, size: 'max' }), async (steps) => {
        const { client, server: far } = await dial();
        const undos: Undo[] = [];
        let sentUp = 0;
        let sentDown = 0;
        for (const { up, down, trouble: begin, mends, waits } of steps) {
          if (begin) undos.push(begin());
          if (mends) undos.shift()?.();
          client.socket.write(noise.subarray(sentUp, (sentUp += up)));
          far.socket.write(noise.subarray(sentDown, (sentDown += down)));
          if (waits) await sleep(1);
        }
        for (const undo of undos) undo();
        client.socket.end();
        far.socket.end();
        await soon(() => {
          expect(far.hasEnded).toBe(true);
          expect(client.hasEnded).toBe(true);
        });
        expect(far.received.equals(noise.subarray(0, sentUp))).toBe(true);
        expect(client.received.equals(noise.subarray(0, sentDown))).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
});
