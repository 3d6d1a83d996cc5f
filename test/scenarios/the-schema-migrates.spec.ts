import { Client } from 'pg';
import { migrateDown, migrateUp, readMigrations } from '../../src/database/migrator';
import { migrateDatabase } from '../../src/database/migrate-database';
import { createTestDatabase, type TestDatabase } from '../support/databases';
import { eventually } from '../support/eventually';
import { World } from '../support/holdfast';
import { TcpProxy } from '../support/tcp-proxy';

describe('the schema', () => {
  let database: TestDatabase;
  const clients: Client[] = [];

  const connect = async (): Promise<Client> => {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    clients.push(client);
    return client;
  };
  const shape = (): Promise<object[]> =>
    database.query(
      `select table_name, column_name, data_type, is_nullable, column_default from information_schema.columns
        where table_schema = 'holdfast' and table_name <> 'migration' order by table_name, column_name`,
    );

  beforeEach(async () => {
    database = await createTestDatabase();
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.end()));
    await database.drop();
  });

  it('goes up, all the way down, and up to the same again', async () => {
    const migrations = await readMigrations();
    const client = await connect();
    expect(await migrateUp(client, migrations)).toEqual(migrations.map(({ name }) => name));
    const first = await shape();
    expect(first.length).toBeGreaterThan(20);

    expect(await migrateDown(client, migrations, 99)).toHaveLength(migrations.length);
    expect(await shape()).toEqual([]);

    await migrateUp(client, migrations);
    expect(await shape()).toEqual(first);
  });

  it('is migrated once, however many replicas start together', async () => {
    const migrations = await readMigrations();
    const replicas = await Promise.all([connect(), connect(), connect()]);
    const applied = await Promise.all(replicas.map((client) => migrateUp(client, migrations)));
    expect(applied.flat().sort()).toEqual(migrations.map(({ name }) => name));
  });

  it('takes back only the last migration when asked for one', async () => {
    const migrations = await readMigrations();
    const client = await connect();
    await migrateUp(client, migrations);
    expect(await migrateDown(client, migrations, 1)).toEqual([migrations.at(-1)?.name]);
    expect(await migrateUp(client, migrations)).toEqual([migrations.at(-1)?.name]);
  });

  it('leaves nothing of a migration that fails', async () => {
    const client = await connect();
    const broken = [{ name: '0001_broken', up: 'create table holdfast.half (id int); select 1/0', down: '' }];
    await expect(migrateUp(client, broken)).rejects.toThrow(/division by zero/);
    expect(await shape()).toEqual([]);
    expect((await client.query('select 1 as one')).rowCount).toBe(1);
  });

  /** Cuts the connection on which the first migration commits. */
  const cutOnce = (proxy: TcpProxy): Promise<void> =>
    new Promise((resolve) => {
      proxy.judge = (chunk, from) => {
        if (from !== 'client' || !chunk.includes('pg_advisory_xact_lock')) return 'forward';
        proxy.judge = () => 'forward';
        resolve();
        return 'cut';
      };
    });

  it('says so when the connection is cut while it migrates, and does not take the process down', async () => {
    const proxy = await TcpProxy.to(database.url);
    const cut = cutOnce(proxy);
    await expect(migrateDatabase(proxy.url)).rejects.toThrow(/terminated|ECONNRESET/);
    await cut;
    expect(await migrateDatabase(proxy.url)).toHaveLength((await readMigrations()).length);
    await proxy.close();
  });

  it('is migrated by the next try of a service whose connection was cut while it migrated', async () => {
    const world = await World.create();
    const proxy = await TcpProxy.to(world.database.url);
    const cut = cutOnce(proxy);
    await world.start({ variables: { DATABASE_URL: proxy.url } });
    await cut;
    await expect(
      eventually(() => world.database.query('select 1 from holdfast.inbox_message')),
    ).resolves.toEqual([]);
    await world.remove();
    await proxy.close();
  });
});
