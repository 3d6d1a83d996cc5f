import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type ConfirmChannel } from 'amqplib';
import type { Pool } from 'pg';
import type { Consumer } from '../measuring/consumer';
import { DOWNSTREAM } from '../stage/bench-queue';
import { consumeWithAmqplib } from './amqplib-consumer';
import { handleOnce, inTransaction, openPool } from './hand-written';

const WRITE = 'insert into bench_outbox_row (message_id, body) values ($1, $2)';
const READ = 'select id, message_id, body from bench_outbox_row order by id limit 100 for update skip locked';
const REMOVE = 'delete from bench_outbox_row where id = any($1::bigint[])';
const POLL_MS = 50;

interface Row {
  readonly id: string;
  readonly message_id: string;
  readonly body: unknown;
}

/** The transaction of hand-written pg, with a row for the message to send; a poller publishes rows with confirm and removes them. */
export const outboxHandWritten: Consumer = {
  async start(run) {
    const pool = openPool(run.databaseUrl);
    const model = await connect(run.amqpUrl, { noDelay: true });
    const channel = await model.createConfirmChannel();
    const polling = new AbortController();
    const polled = poll(pool, channel, polling.signal).catch((error: unknown) =>
      run.tally.broken(String(error)),
    );
    const stop = await consumeWithAmqplib(run, async (given) => {
      await inTransaction(pool, async (client) => {
        if (await handleOnce(client, given))
          await client.query(WRITE, [given.id, JSON.stringify(given.order)]);
      });
    });
    return async () => {
      await stop();
      polling.abort();
      await polled;
      await model.close();
      await pool.end();
    };
  },
};

async function poll(pool: Pool, channel: ConfirmChannel, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const published = await inTransaction(pool, async (client) => {
      const { rows } = await client.query<Row>(READ);
      if (rows.length === 0) return 0;
      for (const { message_id: messageId, body } of rows) {
        const options = { persistent: true, contentType: 'application/json', messageId, mandatory: true };
        channel.sendToQueue(DOWNSTREAM, Buffer.from(JSON.stringify(body)), options);
      }
      await channel.waitForConfirms();
      await client.query(REMOVE, [rows.map(({ id }) => id)]);
      return rows.length;
    });
    if (published === 0) await sleep(POLL_MS);
  }
}
