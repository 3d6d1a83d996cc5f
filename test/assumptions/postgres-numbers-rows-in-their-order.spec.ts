import { outboxWrite } from '../../src/outbox/outbox.module';
import { createTestDatabase, type TestDatabase } from '../support/databases';
import { migrateDatabase } from '../../src/database/database.module';

/** `src/outbox/outbox-write.store` takes the n-th number that comes back for that of the n-th publication. */
describe('Postgres', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
    await migrateDatabase(database.url);
  });
  afterAll(() => database.drop());

  it('numbers and returns the rows of one insert in the order of its arrays, with the bytes of each', async () => {
    const bodies = Array.from({ length: 3_000 }, (_, i) => Buffer.alloc((i * 7) % 40, i % 256));
    const messages = [bodies.slice(0, 1), [], bodies.slice(1, 1_500), bodies.slice(1_500)].map((some) =>
      some.map((body) => ({ exchange: '', routingKey: 'k', body, properties: {}, headers: {} })),
    );
    const write = outboxWrite(messages)!;
    const rows = await database.query(write.statement.text, write.statement.values as unknown[]);
    const read = write.read({ rows });
    expect(read.map(({ length }) => length)).toEqual([1, 0, 1_499, 1_500]);
    const stored = await database.query<{ sequence: string; body: Buffer; bundle: string | null }>(
      'select sequence, body, bundle from holdfast.outbox_message order by sequence',
    );
    expect(read.flat().map(({ sequence }) => sequence)).toEqual(stored.map(({ sequence }) => sequence));
    expect(read.flat().every(({ publication }, i) => publication.body.equals(stored[i]!.body))).toBe(true);
    expect(stored[0]?.bundle).toBeNull();
    expect(new Set(stored.slice(1, 1_500).map(({ bundle }) => bundle)).size).toBe(1);
    expect(new Set(stored.map(({ bundle }) => bundle)).size).toBe(3);
  });
});
