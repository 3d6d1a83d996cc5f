import amqp from 'amqplib';
import pg from 'pg';
import { askManagement } from '../setup/management.mjs';
import { DEMO_HEADER } from './orders.mjs';

/** The example's consumers, and the table each of them writes. */
export const EFFECT_TABLES = { orders: 'orders', payments: 'payments', shipping: 'shipments' };
export const QUEUES = Object.keys(EFFECT_TABLES);

/**
 * What the broker and the database say, asked directly: not through the wires that the demo cuts, and not of the service,
 * which may be dead.
 */
export class Watch {
  #pool;
  #connection;
  #servers;
  #territory;

  constructor(servers, territory) {
    this.#servers = servers;
    this.#territory = territory;
  }

  async open() {
    this.#pool = new pg.Pool({ connectionString: this.#territory.databaseUrl, max: 2 });
    this.#pool.on('error', () => {});
    this.#connection = await amqp.connect(this.#territory.rabbitmqUrl);
    this.#connection.on('error', () => {});
  }

  async close() {
    await this.#connection?.close().catch(() => {});
    await this.#pool?.end();
  }

  /** `{ orders: { rows, twice } }`: effects of the demo's orders, and how many orders have more than one. */
  async countEffects() {
    const counts = await this.#perTable(
      (table) => `select count(*)::int as rows, (count(*) - count(distinct order_id))::int as twice
                    from shop_example.${table} where order_id like 'demo-%'`,
    );
    return Object.fromEntries(
      QUEUES.map((queue, index) => [queue, counts[index][0] ?? { rows: 0, twice: 0 }]),
    );
  }

  /** `{ orders: ['demo-000001', …] }`: one entry for each effect. */
  async readEffects() {
    const rows = await this.#perTable(
      (table) => `select order_id from shop_example.${table} where order_id like 'demo-%'`,
    );
    return Object.fromEntries(QUEUES.map((queue, index) => [queue, rows[index].map((row) => row.order_id)]));
  }

  async countOutbox() {
    const { rows } = await this.#pool.query('select count(*)::int as waiting from holdfast.outbox_message');
    return rows[0].waiting;
  }

  /** The tables appear with the first message. */
  #perTable(sql) {
    return Promise.all(
      Object.values(EFFECT_TABLES).map(async (table) => {
        const { rows } = await this.#pool.query('select to_regclass($1) is not null as made', [
          `shop_example.${table}`,
        ]);
        return rows[0].made ? (await this.#pool.query(sql(table))).rows : [];
      }),
    );
  }

  /** `{ orders: 3, 'orders.dlq': 1, 'holdfast.delay.1s': 7, … }`: ready messages of every queue in the vhost. */
  async depths() {
    const vhost = encodeURIComponent(this.#territory.vhost);
    const path = `/queues/${vhost}?columns=name`;
    const names = (await askManagement(this.#servers.managementUrl, 'GET', path)).map(({ name }) => name);
    return this.#onChannel(async (channel) => {
      const depths = {};
      for (const name of names) depths[name] = (await channel.checkQueue(name)).messageCount;
      return depths;
    });
  }

  /** The dead letters of a queue, which stay where they are: `{ id, token, reason, body }` each. */
  readDeadLetters(queue) {
    return this.#onChannel(async (channel) => {
      const letters = [];
      for (;;) {
        const message = await channel.get(`${queue}.dlq`);
        if (!message) return letters;
        const { headers } = message.properties;
        letters.push({
          id: headers[DEMO_HEADER] ?? idIn(message.content),
          token: headers['holdfast-copy-token'],
          reason: headers['holdfast-reason'],
          body: message.content,
        });
      }
    });
  }

  /** Closing a channel gives back whatever was taken on it. */
  async #onChannel(action) {
    const channel = await this.#connection.createChannel();
    channel.on('error', () => {});
    try {
      return await action(channel);
    } finally {
      await channel.close().catch(() => {});
    }
  }
}

/** Messages of the handlers carry the order in their body. */
function idIn(body) {
  try {
    return JSON.parse(body.toString()).id;
  } catch {
    return undefined;
  }
}
