import { Pool, type PoolClient } from 'pg';
import type { Consumer } from '../measuring/consumer';
import { POOL_SIZE } from '../measuring/order';
import { consumeWithAmqplib, type Given } from './amqplib-consumer';

const REMEMBER = `insert into bench_inbox (message_id, status) values ($1, 'done') on conflict do nothing`;
const INSERT = 'insert into bench_order (message_id, sequence, customer, cents) values ($1, $2, $3, $4)';

export function openPool(databaseUrl: string): Pool {
  return new Pool({ connectionString: databaseUrl, max: POOL_SIZE });
}

/** Work in a transaction of its own; rolled back where it throws. */
export async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

/** Remembers the message and inserts its order. @returns false for a message that is known. */
export async function handleOnce(client: PoolClient, { id, order }: Given): Promise<boolean> {
  const { rowCount } = await client.query(REMEMBER, [id]);
  if (rowCount === 0) return false;
  await client.query(INSERT, [id, order.sequence, order.customer, order.cents]);
  return true;
}

/** What a careful developer writes by hand with pg: one transaction, and the unique key decides about duplicates. */
export const handWritten: Consumer = {
  async start(run) {
    const pool = openPool(run.databaseUrl);
    const stop = await consumeWithAmqplib(run, async (given) => {
      await inTransaction(pool, (client) => handleOnce(client, given));
    });
    return async () => {
      await stop();
      await pool.end();
    };
  },
};
