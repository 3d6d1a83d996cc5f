import type { Writable } from 'node:stream';
import { Client } from 'pg';
import { servers } from '../support/servers';

/** `src/database/handler-transaction` opens a transaction and takes the inbox row in one packet, by way of pg's socket. */
describe('pg with `pipeline: true`', () => {
  it('writes two queries in one go when its socket is corked meanwhile, and answers each', async () => {
    const client = new Client({ connectionString: servers().databaseUrl, pipeline: true });
    await client.connect();
    const { stream } = (client as unknown as { connection: { stream: Writable } }).connection;
    try {
      stream.cork();
      const first = client.query('begin');
      const second = client.query({ name: 'one', text: 'select $1::int as n', values: [1] });
      expect(stream.writableLength).toBeGreaterThan('begin'.length);
      stream.uncork();
      expect(stream.writableLength === 0 || stream.writableNeedDrain).toBe(true);
      expect((await first).command).toBe('BEGIN');
      expect((await second).rows).toEqual([{ n: 1 }]);
    } finally {
      await client.end();
    }
  });
});
