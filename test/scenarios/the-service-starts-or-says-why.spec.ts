import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { API_KEYS, callApi } from '../support/api-client';
import { eventually } from '../support/eventually';
import { aQueue, World } from '../support/holdfast';
import { freePort, type ServiceProcess, startListening, startService } from '../support/service';

/** As a compiler would write it: handlers far from any node_modules. */
const handlerFile = (queue: string, body = '', exported = 'Handlers'): string => `
  const { Injectable } = require('@nestjs/common');
  const { ConfigService } = require('@nestjs/config');
  const { ReliableConsumer, PermanentError } = require('holdfast');
  const { EntitySchema } = require('typeorm');
  const { z } = require('zod');
  class Clock { now() { return 'now'; } }
  Injectable()(Clock);
  class Handlers {
    constructor(clock, config) { this.clock = clock; this.config = config; }
    async on(order, ctx) {
      ${body}
      if (order.id === 'refused') throw new PermanentError('no such order');
      await ctx.tx.query('insert into effect values ($1, $2, $3)', ['foreign', ctx.id, this.clock.now() + ' ' + this.config.get('MY_SETTING')]);
    }
  }
  Reflect.defineMetadata('design:paramtypes', [Clock, ConfigService], Handlers);
  Injectable()(Handlers);
  ReliableConsumer({ queue: ${JSON.stringify(queue)}, schema: z.object({ id: z.string() }) })(
    Handlers.prototype, 'on', Object.getOwnPropertyDescriptor(Handlers.prototype, 'on'));
  module.exports = { ${exported}, Clock, EntitySchema };`;

describe('the service', () => {
  let world: World;
  let folder: string;
  const started: ServiceProcess[] = [];

  const place = async (name: string, content: string): Promise<string> => {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    return path;
  };
  const listening = async (variables: Record<string, string> = {}): Promise<ServiceProcess> => {
    const service = await startListening({
      ...world.environment,
      PORT: String(await freePort()),
      ...variables,
    });
    started.push(service);
    return service;
  };
  /** What is written when it does not start. */
  const refusal = async (variables: Record<string, string>): Promise<string> => {
    const service = await startService({
      ...world.environment,
      PORT: String(await freePort()),
      ...variables,
    });
    started.push(service);
    expect(await service.ended).toBe(1);
    return service.output();
  };

  beforeAll(async () => {
    [world, folder] = await Promise.all([World.create(), mkdtemp(join(tmpdir(), 'holdfast-handlers-'))]);
  });
  afterEach(async () => {
    for (const service of started.splice(0)) {
      service.process.kill('SIGKILL');
      await service.ended;
    }
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
    await world.remove();
  });

  it('names every wrong setting in one message, with its secrets masked and without a stack', async () => {
    const message = await refusal({
      HOLDFAST_TIMEOUT: '20',
      DATABASE_URL: 'mysql://root:hunter2@db/x',
      HOLDFAST_API_KEYS: 'ops:root:hunter2hunter2hunter2',
    });
    expect(message.trim().split('\n')).toEqual([
      'Holdfast cannot start: 3 settings are wrong:',
      '  DATABASE_URL = "mysql://***@db/x": expected a URL that starts with postgres:// or postgresql://',
      '  HOLDFAST_TIMEOUT = "20": expected a duration like "20s" or "5m", from 1ms to 24d',
      '  HOLDFAST_API_KEYS = "(hidden)": expected key 1 of 1 has a role that is none of viewer, operator, admin',
      'All settings and their defaults: docs/configuration.md',
    ]);
  });

  it('warns of a mistyped setting and starts', async () => {
    const service = await listening({ HOLDFAST_TIMOUT: '20s' });
    await eventually(() => {
      expect(service.output()).toContain(
        'HOLDFAST_TIMOUT is not a setting of Holdfast and was ignored; did you mean HOLDFAST_TIMEOUT?',
      );
    });
  });

  it('says so when its port is taken', async () => {
    const service = await listening();
    const port = new URL(service.address).port;
    expect(await refusal({ PORT: port })).toContain(`port ${port} is in use; set PORT to another one`);
  });

  it('listens and is alive without broker and database, and says where', async () => {
    const service = await listening({
      RABBITMQ_URL: 'amqp://u:hunter2@127.0.0.1:9',
      DATABASE_URL: 'postgres://u:hunter2@127.0.0.1:9/x',
    });
    expect((await fetch(`${service.address}/health/ready`)).status).toBe(503);
    await eventually(() => {
      expect(service.output()).toContain(
        'broker amqp://***@127.0.0.1:9, database postgres://***@127.0.0.1:9/x',
      );
    });
    expect(service.output()).not.toContain('hunter2');
    service.process.kill('SIGTERM');
    expect(await service.ended).toBe(0);
  });

  it('describes its API, without a key, unless it is told not to', async () => {
    const service = await listening({ HOLDFAST_API_KEYS: API_KEYS });
    const page = await callApi(service.address, 'GET', '/api/docs');
    expect(page).toMatchObject({ status: 200, text: expect.stringContaining('swagger-ui') });
    const { body } = await callApi(service.address, 'GET', '/api/docs-json');
    expect(
      body.paths['/api/v1/messages/process'].post.requestBody.content['application/json'].schema.required,
    ).toEqual(expect.arrayContaining(['type', 'payload']));
    expect(body.components.securitySchemes.key).toMatchObject({ type: 'http', scheme: 'bearer' });
    const silent = await listening({ HOLDFAST_API_DOCS: 'false' });
    expect((await callApi(silent.address, 'GET', '/api/docs')).status).toBe(404);
    expect((await callApi(silent.address, 'GET', '/api/docs-json')).status).toBe(404);
  });

  it('answers what it cannot read or does not have as a problem', async () => {
    const { address } = await listening({ HOLDFAST_API_KEYS: API_KEYS });
    const process = (body: string): ReturnType<typeof callApi> =>
      callApi(address, 'POST', '/api/v1/messages/process', { as: 'operator', body });
    expect(await process('{"type":')).toMatchObject({ status: 400, body: { code: 'bad-request' } });
    expect(await process(JSON.stringify({ payload: 'x'.repeat(2_000_000) }))).toMatchObject({
      status: 413,
      body: { code: 'payload-too-large' },
    });
    const unknown = await callApi(address, 'GET', '/api/v1/nothing');
    expect(unknown).toMatchObject({ status: 404, body: { code: 'not-found' } });
    expect(unknown.headers.get('x-powered-by')).toBeNull();
    expect(unknown.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('stops in order with 0 at a signal, and at once with 1 at a second one', async () => {
    const queue = aQueue('slow');
    const file = await place(
      'slow/slow.js',
      handlerFile(queue, 'await new Promise((resolve) => setTimeout(resolve, 30000));'),
    );
    const variables = {
      HOLDFAST_HANDLERS: file,
      HOLDFAST_SHUTDOWN_GRACE: '20s',
      HOLDFAST_API_KEYS: API_KEYS,
      HOLDFAST_TIMEOUT: '60s',
    };
    const service = await listening(variables);
    await eventually(async () => {
      const { body } = await callApi(service.address, 'GET', `/api/v1/consumers/${queue}`, { as: 'viewer' });
      expect(body.state).toBe('running');
    });
    await world.broker.send(queue, 'slow', { id: 'slow' });
    await eventually(async () => {
      const { body } = await callApi(service.address, 'GET', `/api/v1/consumers/${queue}`, { as: 'viewer' });
      expect(body.inFlight).toBe(1);
    });
    service.process.kill('SIGTERM');
    await sleep(100);
    // What a terminal and npm together send is one wish.
    service.process.kill('SIGTERM');
    await sleep(1_200);
    expect(service.process.exitCode).toBeNull();
    service.process.kill('SIGINT');
    expect(await service.ended).toBe(1);
    expect(service.output()).toContain('SIGINT again: stopping at once');

    const idle = await listening();
    idle.process.kill('SIGINT');
    expect(await idle.ended).toBe(0);
  });

  describe('with handlers in a folder of their own', () => {
    it('runs them with its own packages and with what they inject', async () => {
      const queue = aQueue('foreign');
      await place('shop/deep/orders.js', handlerFile(queue));
      await place('shop/deep/notes.txt', 'not code');
      await place('shop/orders.spec.js', 'throw new Error("tests are not handlers")');
      await place('shop/node_modules/x/index.js', 'throw new Error("dependencies are not handlers")');
      const service = await listening({
        HOLDFAST_HANDLERS: join(folder, 'shop'),
        MY_SETTING: 'mine',
        HOLDFAST_API_KEYS: API_KEYS,
      });
      await eventually(async () => {
        const { status } = await callApi(service.address, 'POST', '/api/v1/messages/process', {
          as: 'operator',
          body: { type: queue, payload: { id: 'a' }, transactionId: 'foreign-1' },
        });
        expect(status).toBe(202);
      });
      await eventually(async () => {
        const rows = await world.database.query<{ detail: string }>(
          "select detail from effect where transaction_id = 'foreign-1'",
        );
        expect(rows).toEqual([{ detail: 'now mine' }]);
      });
      // The error class of the handlers is that of the service: else this would be retried for 100 s.
      await world.broker.send(queue, 'foreign-2', { id: 'refused' });
      const { properties } = await world.broker.take(`${queue}.dlq`);
      expect(properties.headers?.['holdfast-reason']).toBe('permanent-error');
    });

    it('runs the example domain when asked for it', async () => {
      const service = await listening({ HOLDFAST_EXAMPLES: 'true', HOLDFAST_API_KEYS: API_KEYS });
      const { body } = await callApi(service.address, 'GET', '/api/v1/consumers', { as: 'viewer' });
      expect((body as { queue: string }[]).map(({ queue }) => queue).sort()).toEqual(['orders', 'shipping']);
      await eventually(async () => {
        const { status } = await callApi(service.address, 'POST', '/api/v1/messages/process', {
          as: 'operator',
          body: { type: 'orders', payload: { id: 'o-1', customer: 'c', amount: 100, delivery: 'express' } },
        });
        expect(status).toBe(202);
      });
      await eventually(async () => {
        const rows = await world.database.query('select order_id, carrier from shop_example.shipments');
        expect(rows).toEqual([{ order_id: 'o-1', carrier: 'courier' }]);
      });
    });

    it.each<[string, () => Promise<string>, string[]]>([
      [
        'does not exist',
        () => Promise.resolve(join(folder, 'nowhere')),
        ['nowhere', 'does not exist', 'Correct the path'],
      ],
      [
        'is not compiled',
        () => place('ts/a.ts', 'export {}').then(dirname),
        ['holds TypeScript only', 'Compile the handlers first'],
      ],
      ['is empty', () => place('empty/readme.md', '').then(dirname), ['holds no .js or .cjs file']],
      [
        'has no handler',
        () => place('none/a.js', 'module.exports = { a: 1 }').then(dirname),
        ['none of its 1 file(s) exports a handler', '@ReliableConsumer'],
      ],
      [
        'exports no handler',
        () => place('hidden/a.js', handlerFile(aQueue(), '', 'Other: Clock')).then(dirname),
        ['none of its 1 file(s) exports a handler', 'Export a class'],
      ],
      [
        'throws',
        () => place('broken/a.js', 'null.boom').then(dirname),
        ['broken/a.js', 'failed to load: TypeError: Cannot read properties of null'],
      ],
      [
        'lacks a package',
        () => place('lacking/a.js', "require('left-pad-of-mine')").then(dirname),
        ['lacking/a.js', "Cannot find module 'left-pad-of-mine'", 'Install it beside the handlers'],
      ],
      [
        'has a wrong option',
        () => place('wrong/a.js', handlerFile('')).then(dirname),
        ['Handlers.on', 'queue'],
      ],
    ])('says so when the folder %s', async (_name, make, words) => {
      const message = await refusal({ HOLDFAST_HANDLERS: await make() });
      for (const word of words) expect(message).toContain(word);
      expect(message).not.toMatch(/\n\s+at /);
    });
  });
});
