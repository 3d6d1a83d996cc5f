import { eventually } from '../support/eventually';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'amqplib';
import { Client } from 'pg';
import { createTestDatabase, ensureTemplateDatabase } from '../support/databases';
import { extraServer } from '../support/extra-server';
import { uniqueName } from '../support/names';
import { controlServers } from '../support/servers';
import { createTestVhost, workerVhost } from '../support/vhosts';

describe('the servers of the tests', () => {
  it('give each file a vhost of its own', async () => {
    const vhost = await createTestVhost();
    const connection = await connect(vhost.url);
    const channel = await connection.createChannel();
    await channel.assertQueue('orders', { durable: true, arguments: { 'x-queue-type': 'quorum' } });

    expect(await workerVhost()).not.toBe(vhost.url);

    await connection.close();
    await vhost.remove();
    await expect(connect(vhost.url)).rejects.toThrow();
  });

  it('give each file a database of its own, copied from a template that is made once', async () => {
    const made: string[] = [];
    const prepare = async (url: string): Promise<void> => {
      made.push(url);
      await run(url, 'create table first_migration (id int)');
    };
    const name = uniqueName('_', 'template');
    const templates = [ensureTemplateDatabase(name, prepare), ensureTemplateDatabase(name, prepare)];
    const [template] = await Promise.all(templates);
    expect(made).toHaveLength(1);

    const database = await createTestDatabase({ template });
    expect(await database.query('select * from first_migration')).toEqual([]);
    await database.drop();
    await expect(database.query('select 1')).rejects.toThrow('npm test');
  });

  it('keep the messages and the port of an extra RabbitMQ over kill -9 and an orderly stop', async () => {
    const server = await extraServer('rabbitmq');
    try {
      await publish(server.url, 'survivor');
      await sleep(2000); // The broker's own grace, see ExtraServer.kill.
      await server.kill();
      // While the kernel tears the sockets down a connection is reset; then it is refused.
      await eventually(() => expect(connect(server.url)).rejects.toThrow('ECONNREFUSED'));
      await server.start();
      await server.stop();
      await server.start();
      expect(await fetchOne(server.url)).toBe('survivor');
    } finally {
      await server.remove();
    }
  });

  it('keep the rows and the port of an extra Postgres over kill -9 and an orderly stop', async () => {
    const server = await extraServer('postgres');
    try {
      await run(server.url, 'create table survivor (id int)');
      await server.kill();
      await eventually(() => expect(run(server.url, 'select 1')).rejects.toThrow('ECONNREFUSED'));
      await server.start();
      await server.stop();
      await server.start();
      await run(server.url, 'select * from survivor');
    } finally {
      await server.remove();
    }
  });

  it('cannot be stopped unless they were started here', async () => {
    await expect(controlServers('stop', 'nobody')).rejects.toThrow('has started no server named nobody');
  });
});

async function run(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(sql);
  await client.end();
}

const QUORUM = { durable: true, arguments: { 'x-queue-type': 'quorum' } };

async function publish(url: string, body: string): Promise<void> {
  const connection = await connect(url);
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue('kept', QUORUM);
  channel.sendToQueue('kept', Buffer.from(body), { persistent: true });
  await channel.waitForConfirms();
  await connection.close();
}

async function fetchOne(url: string): Promise<string | undefined> {
  const connection = await connect(url);
  const channel = await connection.createChannel();
  const message = await channel.get('kept', { noAck: true });
  await connection.close();
  return message ? message.content.toString() : undefined;
}
