import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ManagementClient, ManagementError } from './management-client';

const never = new AbortController().signal;

/** What stands where the management API should, and behaves as the network and other programs do. */
describe('ManagementClient', () => {
  const servers: Server[] = [];
  const clients: ManagementClient[] = [];
  const serve = async (listener: RequestListener): Promise<string> => {
    const server = createServer(listener);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://us%40er:p%3Ass@127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const clientOf = (urls: string[], timeoutMs?: number): ManagementClient => {
    const client = new ManagementClient(urls, timeoutMs);
    clients.push(client);
    return client;
  };
  const answering =
    (status: number, body: string): RequestListener =>
    (_request, response) => {
      response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end(body);
    };
  const away = 'http://u:p@127.0.0.1:1';

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  });

  it('asks below the path it was given, as the user it was given, and reads what it gets', async () => {
    const asked: unknown[] = [];
    const url = await serve((request, response) => {
      asked.push([request.method, request.url, request.headers.authorization]);
      response.end('{"name":"q"}');
    });
    for (const base of [url, `${url}/`, `${url}/api`, `${url}/rabbit/`]) {
      expect(await clientOf([base]).get('/queues/%2F/q?columns=name', never)).toEqual({ name: 'q' });
    }
    const login = `Basic ${Buffer.from('us@er:p:ss').toString('base64')}`;
    expect(asked).toEqual([
      ['GET', '/api/queues/%2F/q?columns=name', login],
      ['GET', '/api/queues/%2F/q?columns=name', login],
      ['GET', '/api/queues/%2F/q?columns=name', login],
      ['GET', '/rabbit/api/queues/%2F/q?columns=name', login],
    ]);
  });

  it('tells what is not there from a server that is not the management API', async () => {
    const refusal = '{"error":"Object Not Found","reason":"Not Found"}';
    expect(await clientOf([await serve(answering(404, refusal))]).get('/x', never)).toBeUndefined();
    await expect(clientOf([await serve(answering(404, '<html>'))]).get('/x', never)).rejects.toThrow(
      'answers 404: is that the management API of RabbitMQ?',
    );
  });

  it.each<[string, RequestListener, RegExp]>([
    [
      'a wrong login',
      answering(401, '{"error":"not_authorised","reason":"x"}'),
      /401: not_authorised. Are user/,
    ],
    ['a page', answering(200, '<html>'), /something that is no JSON/],
    ['half an answer', answering(200, '{"a":'), /something that is no JSON/],
    ['a redirect, which is not followed', answering(302, ''), /answers 302: is that/],
    ['an error', answering(500, ''), /answers 500/],
    [
      'an endless answer',
      (_, response) =>
        void setImmediate(function more() {
          if (!response.destroyed) response.write('x'.repeat(65_536), () => setImmediate(more));
        }),
      /more than 1048576 bytes/,
    ],
    ['silence', () => undefined, /does not answer within 200 ms/],
    ['an answer that never ends', (_, response) => void response.write('['), /does not answer within 200 ms/],
    ['a broken connection', ({ socket }) => void socket.destroy(), /socket hang up|ECONNRESET/],
  ])('says what is wrong with %s, and where, without the login', async (_, listener, message) => {
    const url = await serve(listener);
    const failure: unknown = await clientOf([url], 200)
      .get('/x', never)
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ManagementError);
    expect((failure as Error).message).toMatch(message);
    expect((failure as Error).message).toContain(new URL(url).host);
    expect((failure as Error).message).not.toMatch(/us@er|us%40er|p:ss|p%3Ass/);
  });

  it('asks the next node when one is away, and goes on with the one that answers', async () => {
    let asked = 0;
    const ill = await serve((request, response) => {
      asked++;
      answering(503, '')(request, response);
    });
    const well = await serve(answering(200, '[]'));
    const client = clientOf([away, ill, well]);
    for (let i = 0; i < 3; i++) expect(await client.get('/x', never)).toEqual([]);
    expect(asked).toBe(1);
  });

  it('names every node when none answers', async () => {
    const ill = await serve(answering(503, ''));
    await expect(clientOf([away, ill]).get('/x', never)).rejects.toThrow(
      /^http:\/\/127\.0\.0\.1:1 .*ECONNREFUSED.*; http:\/\/127\.0\.0\.1:\d+ answers 503/,
    );
  });

  it('asks no other node when one has refused', async () => {
    let asked = 0;
    const refusing = await serve(answering(401, '{"error":"not_authorised"}'));
    const other = await serve(() => asked++);
    await expect(clientOf([refusing, other]).get('/x', never)).rejects.toMatchObject({ status: 401 });
    expect(asked).toBe(0);
  });

  it('ends what is under way when it is told to, and can be used again after it was closed', async () => {
    let isSilent = true;
    const url = await serve((_request, response) => {
      if (!isSilent) response.end('[]');
    });
    const client = clientOf([url]);
    const stopping = new AbortController();
    const asking = client.get('/x', stopping.signal);
    stopping.abort(new Error('has had its time'));
    await expect(asking).rejects.toThrow(/^http:.* has had its time$/);
    client.close();
    isSilent = false;
    expect(await client.get('/x', never)).toEqual([]);
  });

  it('keeps one connection for a round of questions, and none after it', async () => {
    const connections = new Set<unknown>();
    const url = await serve((request, response) => {
      connections.add(request.socket);
      response.end('[]');
    });
    const [server] = servers;
    server!.keepAliveTimeout = 60_000;
    const client = clientOf([url]);
    for (let i = 0; i < 5; i++) await client.get('/x', never);
    expect(connections.size).toBe(1);
    const gone = new Promise((resolve) =>
      ([...connections][0] as NodeJS.EventEmitter).once('close', resolve),
    );
    client.close();
    await gone;
    expect(await new Promise((resolve) => server?.getConnections((_, count) => resolve(count)))).toBe(0);
  });
});
