import type { Pool } from 'pg';
import {
  DatabaseSetup,
  getDisabledLogger,
  initializeMessageStorage,
  initializePollingMessageListener,
} from 'pg-transactional-outbox';
import type { Consumer } from '../measuring/consumer';
import { POOL_SIZE, type BenchMessage } from '../measuring/order';
import { consumeWithAmqplib } from './amqplib-consumer';
import { openPool } from './hand-written';

const SCHEMA = 'bench_outbox';
const TABLE = 'inbox';
const NEXT = 'next_inbox_messages';
const INSERT = 'insert into bench_order (message_id, sequence, customer, cents) values ($1, $2, $3, $4)';
/** As many as it may handle at once; its default of 5 is far slower. */
const BATCH = POOL_SIZE;

/**
 * The inbox of pg-transactional-outbox with its polling listener: stored and acknowledged first, handled from the table afterwards. Its
 * other listener reads the replication log, which needs `wal_level = logical` and a restart of the server.
 */
export const pgTransactionalOutbox: Consumer = {
  async start(run) {
    const { databaseUrl, tally } = run;
    const pool = openPool(databaseUrl);
    await setUp(pool);
    const logger = { ...getDisabledLogger(), error: (error: unknown) => tally.broken(String(error)) };
    const settings = {
      dbSchema: SCHEMA,
      dbTable: TABLE,
      nextMessagesFunctionSchema: SCHEMA,
      nextMessagesFunctionName: NEXT,
      nextMessagesBatchSize: BATCH,
      nextMessagesPollingIntervalInMs: 10,
      enableMaxAttemptsProtection: true,
      enablePoisonousMessageProtection: true,
    };
    const config = {
      outboxOrInbox: 'inbox' as const,
      settings,
      dbListenerConfig: { connectionString: databaseUrl },
      dbHandlerConfig: { connectionString: databaseUrl, max: POOL_SIZE },
    };
    const store = initializeMessageStorage(config, logger);
    const [shutdown] = initializePollingMessageListener(
      config,
      {
        async handle({ id, payload }, client) {
          const order = payload as BenchMessage;
          await client.query(INSERT, [id, order.sequence, order.customer, order.cents]);
          // Its commit follows, and is proved by the count of effects.
          tally.settled(order);
        },
      },
      logger,
    );
    const stored = { amqpUrl: run.amqpUrl, tally: { handling: tally.handling.bind(tally) } };
    const stop = await consumeWithAmqplib(stored, async ({ id, order }) => {
      await store(
        {
          id,
          aggregateType: 'order',
          aggregateId: String(order.sequence),
          messageType: 'created',
          concurrency: 'parallel',
          payload: order,
        },
        pool,
      );
    });
    return async () => {
      await stop();
      await shutdown();
      await pool.end();
    };
  },
};

async function setUp(pool: Pool): Promise<void> {
  const setup = {
    outboxOrInbox: 'inbox' as const,
    database: 'bench',
    schema: SCHEMA,
    table: TABLE,
    listenerRole: 'bench',
    nextMessagesName: NEXT,
  };
  await pool.query(DatabaseSetup.dropAndCreateTable(setup));
  await pool.query(DatabaseSetup.createPollingFunction(setup));
  await pool.query(DatabaseSetup.setupPollingIndexes(setup));
}
