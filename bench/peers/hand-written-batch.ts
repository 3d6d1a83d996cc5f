import { connect, type ConsumeMessage } from 'amqplib';
import type { Pool } from 'pg';
import type { Consumer } from '../measuring/consumer';
import { PREFETCH, QUEUE, type BenchMessage } from '../measuring/order';
import { inTransaction, openPool } from './hand-written';

const BATCH = 100;
/** At once: one waits for its commit while the next ones are filled. */
const BATCHES = 2;

const REMEMBER = `insert into bench_inbox (message_id, status)
select id, 'done' from unnest($1::text[]) as id on conflict do nothing returning message_id`;
const INSERT = `insert into bench_order (message_id, sequence, customer, cents)
select * from unnest($1::text[], $2::int[], $3::text[], $4::int[])`;

interface Waiting {
  readonly message: ConsumeMessage;
  readonly id: string;
  readonly order: BenchMessage;
}

/** What a careful developer writes by hand for speed: whatever waits, up to a hundred, in one transaction of two multi-row inserts. */
export const handWrittenBatch: Consumer = {
  async start({ amqpUrl, databaseUrl, tally }) {
    const pool = openPool(databaseUrl);
    const model = await connect(amqpUrl);
    const channel = await model.createChannel();
    const waiting: Waiting[] = [];
    let running = 0;

    const work = async (): Promise<void> => {
      running++;
      while (waiting.length > 0) {
        const batch = waiting.splice(0, BATCH);
        await commit(pool, batch);
        for (const { message, order } of batch) {
          channel.ack(message);
          tally.settled(order);
        }
      }
      running--;
    };
    await channel.prefetch(PREFETCH);
    await channel.consume(QUEUE, (message) => {
      if (!message) throw new Error('the broker cancelled the consumer');
      const order = JSON.parse(message.content.toString()) as BenchMessage;
      tally.handling(order);
      waiting.push({ message, order, id: String(message.properties.messageId) });
      if (waiting.length > 1 || running >= BATCHES) return;
      // When everything that has arrived with it is there.
      setImmediate(() => {
        work().catch((error: unknown) => tally.broken(String(error)));
      });
    });
    return async () => {
      await model.close();
      await pool.end();
    };
  },
};

async function commit(pool: Pool, batch: readonly Waiting[]): Promise<void> {
  await inTransaction(pool, async (client) => {
    // In one order, or two batches with the same messages end in a deadlock, as they did at first.
    const { rows } = await client.query<{ message_id: string }>(REMEMBER, [batch.map(({ id }) => id).sort()]);
    const known = new Set(rows.map((row) => row.message_id));
    // A twin within the batch: the first of them counts.
    const fresh = batch.filter(({ id }) => known.delete(id));
    if (fresh.length === 0) return;
    await client.query(INSERT, [
      fresh.map(({ id }) => id),
      fresh.map(({ order }) => order.sequence),
      fresh.map(({ order }) => order.customer),
      fresh.map(({ order }) => order.cents),
    ]);
  });
}
