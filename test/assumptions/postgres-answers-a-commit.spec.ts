import { Client } from 'pg';
import { eventually } from '../support/eventually';
import { servers } from '../support/servers';
import { TcpProxy } from '../support/tcp-proxy';

/** What `HandlerTransaction.commit` takes for granted. */
describe('a COMMIT', () => {
  const connect = async (url = servers().databaseUrl): Promise<Client> => {
    const client = new Client({ connectionString: url, pipeline: true });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };

  it('of a transaction in which a statement has failed succeeds, and answers ROLLBACK', async () => {
    const client = await connect();
    await client.query('begin');
    await expect(client.query('select 1/0')).rejects.toMatchObject({ code: '22012' });
    expect((await client.query('commit')).command).toBe('ROLLBACK');
    await client.end();
  });

  it('that is not answered within `query_timeout` rejects without an SQLSTATE, and the connection is destroyed', async () => {
    const proxy = await TcpProxy.to(servers().databaseUrl);
    const client = await connect(proxy.url);
    let ended = false;
    client.on('end', () => (ended = true));
    await client.query('begin');
    proxy.judge = (_chunk, from) => (from === 'server' ? 'drop' : 'forward');
    const commit = { text: 'commit', query_timeout: 200 };
    const error: unknown = await client.query(commit).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ message: 'Query read timeout' });
    expect(error).not.toHaveProperty('code');
    await eventually(() => {
      expect(ended).toBe(true);
    });
    await expect(client.query('rollback')).rejects.toThrow();
    await proxy.close();
  });
});
