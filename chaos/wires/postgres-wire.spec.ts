import { Client, type QueryResult } from 'pg';
import { createTestDatabase, type TestDatabase } from '../../test/support/databases';
import { eventually } from '../../test/support/eventually';
import { openPostgresWire } from './postgres-wire';
import type { PostgresWire } from './wire';

const LONG = 20_000;

describe('a wire to Postgres', () => {
  let database: TestDatabase;
  let wire: PostgresWire;
  let clients: Client[];

  const dial = async (): Promise<Client> => {
    const client = new Client({ connectionString: wire.url, pipeline: true });
    client.on('error', () => undefined);
    await client.connect();
    clients.push(client);
    return client;
  };
  /** Everything in one packet. */
  const atOnce = (client: Client, ...texts: string[]): Promise<PromiseSettledResult<QueryResult>[]> => {
    const { stream } = (client as unknown as { connection: { stream: { cork(): void; uncork(): void } } })
      .connection;
    stream.cork();
    const answers = texts.map((text) => client.query(text));
    stream.uncork();
    return Promise.allSettled(answers);
  };
  const insert = (id: string): string => `insert into effect values ('${id}')`;
  const outcomes = (results: PromiseSettledResult<unknown>[]): string[] =>
    results.map(({ status }) => status);
  const count = async (id: string): Promise<number> =>
    (await database.query(`select from effect where id = '${id}'`)).length;
  const transaction = async (id: string): Promise<PromiseSettledResult<QueryResult>[]> =>
    atOnce(await dial(), 'begin', insert(id), 'commit');

  beforeAll(async () => {
    database = await createTestDatabase();
    await database.query('create table effect (id text)');
    await database.query(
      `create function at_commit() returns trigger language plpgsql as $$ begin
         perform pg_sleep(0.3);
         if new.id like '%refused' then raise exception 'refused at commit'; end if;
         return null;
       end $$`,
    );
    await database.query(
      `create constraint trigger at_commit after insert on effect deferrable initially deferred
       for each row when (new.id like 'slow%') execute function at_commit()`,
    );
  });
  afterAll(() => database.drop());

  beforeEach(async () => {
    clients = [];
    wire = await openPostgresWire(database.url);
  });
  afterEach(async () => {
    await wire.close();
    await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
  });

  it('carries transactions and large results when nothing is armed', async () => {
    const client = await dial();
    expect(outcomes(await atOnce(client, 'begin', insert('calm'), 'commit'))).toEqual(
      Array(3).fill('fulfilled'),
    );
    expect(await count('calm')).toBe(1);
    const { rows } = await client.query<{ text: string }>(
      "select repeat('commit', 1000) || $1 as text from generate_series(1, 2000)",
      ['!'],
    );
    expect(rows).toHaveLength(2_000);
    expect(rows.every(({ text }) => text.length === 6_001)).toBe(true);
  });

  it('loses the answer of a COMMIT that has been executed, and with it the connection', async () => {
    const lost = wire.loseCommitAnswers(1, LONG);
    const client = await dial();
    const results = await atOnce(client, 'begin', insert('answer'), 'commit', 'begin', insert('next'));
    expect(outcomes(results)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected', 'rejected']);
    expect(results[2]).not.toHaveProperty('reason.severity');
    expect(await lost).toBe(1);
    // At once: the answer that was lost was on its way.
    expect(await count('answer')).toBe(1);
    expect(await count('next')).toBe(0);
    await eventually(() => expect(wire.connections).toBe(0));
    expect(outcomes(await transaction('after the answer'))).toEqual(Array(3).fill('fulfilled'));
  });

  it('waits for a COMMIT that takes its time, and loses an error at COMMIT the same way', async () => {
    const lost = wire.loseCommitAnswers(2, LONG);
    const [, , slow] = await transaction('slow');
    expect(slow).toMatchObject({ status: 'rejected' });
    expect(await count('slow')).toBe(1);
    const [, , refused] = await transaction('slow and refused');
    expect(refused).not.toHaveProperty('reason.severity');
    expect(await count('slow and refused')).toBe(0);
    expect(await lost).toBe(2);
  });

  it('cuts before a COMMIT, which never arrives; what stood before it in the packet does', async () => {
    const lost = wire.loseCommits(1, LONG);
    const client = await dial();
    const results = await atOnce(
      client,
      insert('before the commit'),
      'begin',
      insert('commit'),
      'COMMIT',
      'begin',
      insert('behind the commit'),
      'rollback',
    );
    expect(results[3]).toMatchObject({ status: 'rejected' });
    expect(results[4]).toMatchObject({ status: 'rejected' });
    expect(await lost).toBe(1);
    await eventually(async () => expect(await count('before the commit')).toBe(1));
    await eventually(async () => {
      const open = await database.query(
        "select from pg_stat_activity where datname = current_database() and state = 'idle in transaction'",
      );
      expect(open).toEqual([]);
    });
    expect(await count('commit')).toBe(0);
    expect(await count('behind the commit')).toBe(0);
  });

  it('loses as many as it was told to, on any connections, and no more', async () => {
    const lost = wire.loseCommits(2, LONG);
    const ids = ['many-1', 'many-2', 'many-3', 'many-4'];
    const results = await Promise.all(ids.map((id) => transaction(id)));
    expect(await lost).toBe(2);
    const committed = results.filter(([, , commit]) => commit?.status === 'fulfilled');
    expect(committed).toHaveLength(2);
    expect(await database.query("select from effect where id like 'many-%'")).toHaveLength(2);
  });

  it('stops waiting for COMMITs after a while, also for one whose answer is not there yet', async () => {
    const lost = wire.loseCommitAnswers(3, 600);
    await transaction('in time');
    const startedAt = performance.now();
    const late = dial().then((client) =>
      atOnce(client, 'begin', insert('slow-1'), insert('slow-2'), insert('slow-3'), 'commit'),
    );
    expect(await lost).toBe(1);
    expect(performance.now() - startedAt).toBeLessThan(800);
    expect(outcomes(await late)).toEqual(Array(5).fill('fulfilled'));
    expect(await wire.loseCommits(1, 10)).toBe(0);
  });

  it('gives up what is armed when it is mended', async () => {
    const lost = [wire.loseCommits(1, LONG), wire.loseCommitAnswers(1, LONG)];
    wire.mend();
    expect(await Promise.all(lost)).toEqual([0, 0]);
    expect(outcomes(await transaction('mended'))).toEqual(Array(3).fill('fulfilled'));
  });

  it('can be armed while connections are in the middle of anything', async () => {
    const client = await dial();
    const busy = client.query("select repeat('x', 100000) from generate_series(1, 200)");
    const begun = atOnce(client, 'begin', insert('armed later'));
    const lost = wire.loseCommitAnswers(1, LONG);
    expect((await busy).rows).toHaveLength(200);
    expect(outcomes(await begun)).toEqual(['fulfilled', 'fulfilled']);
    await expect(client.query('commit')).rejects.toThrow();
    expect(await lost).toBe(1);
    expect(await count('armed later')).toBe(1);
  });
});
