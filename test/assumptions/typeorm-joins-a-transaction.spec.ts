import { Pool, type PoolClient } from 'pg';
import { Column, DataSource, Entity, PrimaryColumn, type QueryRunner } from 'typeorm';
import { createTestDatabase, type TestDatabase } from '../support/databases';

@Entity('thing')
class Thing {
  @PrimaryColumn('text')
  id!: string;

  @Column('text')
  name!: string;
}

/** The internals that `src/database/handler-transaction` sets. */
type Adopting = Omit<QueryRunner, 'isTransactionActive'> & {
  databaseConnection: PoolClient;
  isTransactionActive: boolean;
  transactionDepth: number;
};

/** `ctx.tx` works on a connection in mid-transaction that TypeORM has not opened; these are the internals it relies on. */
describe('TypeORM', () => {
  let database: TestDatabase;
  let dataSource: DataSource;
  const pool = (): Pool => (dataSource.driver as unknown as { master: Pool }).master;

  beforeAll(async () => {
    database = await createTestDatabase();
    await database.query('create table thing (id text primary key, name text not null)');
    dataSource = await new DataSource({
      type: 'postgres',
      url: database.url,
      entities: [Thing],
    }).initialize();
  });
  afterAll(async () => {
    await dataSource.destroy();
    await database.drop();
  });

  it('keeps its connections in a pool of pg, as `driver.master`', () => {
    expect(pool()).toBeInstanceOf(Pool);
  });

  it('works within a transaction that was begun outside: save() makes a savepoint of its own and commits nothing', async () => {
    const client = await pool().connect();
    const sent: string[] = [];
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    client.query = ((...args: unknown[]) => {
      const [first] = args as [string | { text: string }];
      sent.push(typeof first === 'string' ? first : first.text);
      return query(...args);
    }) as typeof client.query;
    await client.query('begin');
    const runner = dataSource.createQueryRunner() as unknown as Adopting;
    runner.databaseConnection = client;
    runner.isTransactionActive = true;
    runner.transactionDepth = 1;
    await runner.manager.save(Thing, { id: 'a', name: 'one' });
    await runner.manager.transaction(async (nested) => {
      await nested.insert(Thing, { id: 'b', name: 'two' });
    });
    expect(sent.filter((text) => /savepoint/i.test(text)).length).toBeGreaterThanOrEqual(2);
    expect(sent.filter((text) => /^\s*(commit|start transaction)/i.test(text))).toEqual([]);
    expect(await database.query('select 1 from thing')).toEqual([]);
    await client.query('rollback');
    client.release();
    expect(await database.query('select 1 from thing')).toEqual([]);
  });
});
