import { Client, type QueryConfig } from 'pg';
import { open, NotBegunError, send } from '../../src/database/statements';
import { servers } from '../support/servers';

const LOCK_TIMEOUT = 1_234;
const TIMEOUT = 5_000;
const ONE: QueryConfig = { name: 'one', text: 'select $1::int as n', values: [1] };
const FAILS = { name: 'fails', text: 'select 1 / $1::int', values: [0] };
const UNKNOWN = { name: 'unknown', text: 'select from nowhere where a = $1', values: [1] };

/** `src/database/statements` makes queries of its own out of pg's, which is none of pg's promises. */
describe('pg with `pipeline: true`', () => {
  let client: Client;
  /** How many statements the server has answered, whatever has become of them. */
  let answers = 0;

  beforeEach(async () => {
    client = new Client({ connectionString: servers().databaseUrl, pipeline: true });
    await client.connect();
    answers = 0;
    const { connection } = client as unknown as { connection: NodeJS.EventEmitter };
    connection.on('readyForQuery', () => answers++);
  });
  afterEach(() => client.end());

  const rollback = () => send(client, { text: 'rollback' });
  const opened = (...first: QueryConfig[]) => open(client, LOCK_TIMEOUT, first, TIMEOUT);

  it('opens a transaction with its lock timeout and its first statements, all with one answer', async () => {
    const results = await opened(ONE, { ...ONE, name: 'another', values: [2] });
    expect(answers).toBe(1);
    expect(results.map(({ rows }) => rows)).toEqual([[{ n: 1 }], [{ n: 2 }]]);
    const { rows } = await send(client, { text: 'show lock_timeout' });
    expect(rows).toEqual([{ lock_timeout: `${LOCK_TIMEOUT}ms` }]);
    expect((await rollback()).command).toBe('ROLLBACK');
  });

  it('prepares each name once, also by way of a single statement', async () => {
    await opened(ONE);
    await rollback();
    await opened(ONE);
    await rollback();
    expect((await send(client as never, ONE)).rows).toEqual([{ n: 1 }]);
    const { rows } = await send(client, {
      text: "select count(*)::int as n from pg_prepared_statements where name = 'one' and generic_plans + custom_plans = 3",
    });
    expect(rows).toEqual([{ n: 1 }]);
  });

  it.each([
    ['while it ran', FAILS, '22012'],
    ['before it was prepared', UNKNOWN, '42P01'],
  ])(
    'tells what became of a statement that failed %s, and can be used as before',
    async (_, failing, code) => {
      for (let i = 0; i < 2; i++) {
        await expect(opened(ONE, failing, ONE)).rejects.toMatchObject({ code });
        await rollback();
      }
      await expect(send(client as never, failing)).rejects.toMatchObject({ code });
      await opened(ONE);
      expect((await send(client as never, ONE)).rows).toEqual([{ n: 1 }]);
    },
  );

  it('keeps its place in a pipeline', async () => {
    await opened(ONE);
    const [committed, next, last] = await Promise.all([
      send(client as never, { text: 'commit' }),
      opened(ONE),
      send(client as never, ONE),
    ]);
    expect(committed.command).toBe('COMMIT');
    expect(next.map(({ rows }) => rows)).toEqual([[{ n: 1 }]]);
    expect(last.rows).toEqual([{ n: 1 }]);
  });

  it('says that BEGIN itself has failed', async () => {
    await client.end();
    await expect(opened(ONE)).rejects.toBeInstanceOf(NotBegunError);
  });

  it('tells of a value that cannot be sent, and can be used as before', async () => {
    const unsendable = {
      toPostgres: () => {
        throw new Error('no value');
      },
    };
    await expect(send(client as never, { ...ONE, values: [unsendable] })).rejects.toThrow('no value');
    expect((await send(client as never, ONE)).rows).toEqual([{ n: 1 }]);
  });
});
