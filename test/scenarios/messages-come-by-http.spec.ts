import { ReliableConsumer, signMessage, type MessageContext } from 'holdfast';
import { z } from 'zod';
import { API_KEYS, type ApiAnswer, type ApiCall, callApi } from '../support/api-client';
import { eventually } from '../support/eventually';
import { extraServer, type ExtraServer } from '../support/extra-server';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const orders = aQueue('orders');
const parcels = aQueue('parcels');
const tenants = aQueue('tenants');
const named = aQueue('named');
const signed = aQueue('signed');
const secret = 'a secret of the producer, long enough';
const Order = z.object({ id: z.string(), amount: z.number().positive() });

interface Seen {
  readonly id: string;
  readonly type: string | undefined;
  readonly headers: Record<string, unknown>;
  readonly body: unknown;
  readonly traceId: string;
}

class Handlers {
  readonly seen: Seen[] = [];

  @ReliableConsumer({ queue: orders, schema: Order, retry: { delays: ['1s'] } })
  async onOrder(order: z.output<typeof Order>, ctx: MessageContext): Promise<void> {
    this.note(order, ctx);
    if (order.id === 'bug') throw new TypeError('cannot read properties of null');
    await ctx.tx.query('insert into effect values ($1, $2)', ['order', ctx.id]);
  }

  @ReliableConsumer({ queue: parcels, type: 'letter' })
  onLetter(body: unknown, ctx: MessageContext): void {
    this.note(body, ctx);
  }

  @ReliableConsumer({ queue: parcels, type: 'parcel' })
  onParcel(body: unknown, ctx: MessageContext): void {
    this.note(body, ctx);
  }

  @ReliableConsumer({ queue: tenants, type: 'tenant.created', typeFrom: { header: 'x-kind' } })
  onTenant(body: unknown, ctx: MessageContext): void {
    this.note(body, ctx);
  }

  @ReliableConsumer({ queue: named, transactionId: ({ payload }) => (payload as { key?: string }).key })
  onNamed(body: unknown, ctx: MessageContext): void {
    this.note(body, ctx);
  }

  @ReliableConsumer({ queue: signed, authenticate: { hmac: { secrets: secret } } })
  onSigned(body: unknown, ctx: MessageContext): void {
    this.note(body, ctx);
  }

  private note(body: unknown, { id, type, headers, traceId }: MessageContext): void {
    this.seen.push({ id, type, headers, body, traceId });
  }
}

describe('a message sent by HTTP', () => {
  let world: World;
  let holdfast: RunningHoldfast;
  let handlers: Handlers;
  let address: string;

  const start = async (
    variables: Record<string, string> = {},
    wait = true,
  ): Promise<[RunningHoldfast, string]> => {
    const one = await world.start({
      handlers: [Handlers],
      variables: { HOLDFAST_API_KEYS: API_KEYS, ...variables },
      wait,
    });
    await one.app.listen(0);
    return [one, (await one.app.getUrl()).replace('[::1]', '127.0.0.1')];
  };
  const send = (body: unknown, options: ApiCall = {}): Promise<ApiAnswer> =>
    callApi(address, 'POST', '/api/v1/messages/process', { as: 'operator', body, ...options });
  const seen = (id: string): Promise<Seen> =>
    eventually(() => {
      const found = handlers.seen.find((message) => message.id === id);
      if (!found) throw new Error(`${id} has not arrived`);
      return found;
    });
  const sentId = async (body: unknown, options?: ApiCall): Promise<string> =>
    ((await send(body, options)).body as { transactionId: string }).transactionId;
  const history = (id: string): Promise<ApiAnswer> =>
    callApi(address, 'GET', `/api/v1/messages/${encodeURIComponent(id)}`, { as: 'viewer' });

  beforeAll(async () => {
    world = await World.create();
    [holdfast, address] = await start();
    handlers = holdfast.app.get(Handlers);
  });
  afterAll(() => world.remove());

  it('reaches its handler through the broker, under the id that was answered', async () => {
    const { status, body } = await send({
      type: orders,
      payload: { id: 'a', amount: 5 },
      headers: { 'x-tenant': 'blue' },
    });
    const id = String(body.transactionId);
    expect({ status, body }).toEqual({ status: 202, body: { transactionId: id, status: 'accepted' } });
    await holdfast.outcome(id, 'completed');
    expect(await seen(id)).toMatchObject({
      body: { id: 'a', amount: 5 },
      headers: { 'x-tenant': 'blue' },
    });
    expect(await world.effects('order', id)).toBe(1);
  });

  it('takes effect once, however often it is sent with one transaction id', async () => {
    const request = { type: orders, payload: { id: 'b', amount: 1 }, transactionId: 'order/b ü' };
    expect((await send(request)).status).toBe(202);
    expect((await send(request)).status).toBe(202);
    await holdfast.outcome('order/b ü', 'completed');
    await holdfast.outcome('order/b ü', 'duplicate');
    expect(await world.effects('order', 'order/b ü')).toBe(1);
  });

  it('carries the type of its handler, and the trace of the request', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const id = await sentId({ type: 'parcel', payload: 'text' }, { headers: { traceparent } });
    expect(await seen(id)).toMatchObject({
      type: 'parcel',
      body: 'text',
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    });
  });

  it('takes the id that its consumer finds in it', async () => {
    const { body } = await send({ type: named, payload: { key: 'own-id' } });
    expect(body.transactionId).toBe('own-id');
    const other = await send({ type: named, payload: { key: 'own-id-2' }, transactionId: 'another' });
    expect(other).toMatchObject({ status: 400, body: { issues: [{ path: 'transactionId' }] } });
  });

  it('needs the proof that its consumer asks of producers', async () => {
    const message = { type: signed, payload: { amount: 5 }, transactionId: 'signed-1' };
    const refused = await send(message);
    expect(refused.status).toBe(400);
    expect(refused.body).toMatchObject({ code: 'message-not-authenticated' });

    const headers = signMessage(Buffer.from(JSON.stringify(message.payload)), {
      secret,
      messageId: 'signed-1',
    });
    expect((await send({ ...message, headers })).status).toBe(202);
    await holdfast.outcome('signed-1', 'completed');
  });

  it('whose type is told by a header arrives with that header only', async () => {
    expect(await send({ type: 'tenant.created', payload: 1 })).toMatchObject({
      status: 400,
      body: { code: 'type-not-reached' },
    });
    const id = await sentId({ type: 'tenant.created', payload: 1, headers: { 'x-kind': 'tenant.created' } });
    expect((await seen(id)).body).toBe(1);
  });

  it.each<[string, unknown, string, RegExp]>([
    ['of an unknown type', { type: 'nobody', payload: 1 }, 'unknown-type', /Known are: .*letter/],
    [
      'of an ambiguous type',
      { type: parcels, payload: 1 },
      'ambiguous-type',
      /letter of queue .*parcel of queue/,
    ],
    [
      'that its handler would not take',
      { type: orders, payload: { id: 1 } },
      'invalid-payload',
      /payload\.id.*payload\.amount/,
    ],
    ['without a payload', { type: orders }, 'invalid-request', /payload/],
    ['with a field nobody knows', { type: orders, payload: {}, priority: 1 }, 'invalid-request', /priority/],
    [
      'with a header that steers',
      { type: orders, payload: {}, headers: { CC: 'x' } },
      'invalid-request',
      /headers\.CC/,
    ],
    [
      'with an object for a header',
      { type: orders, payload: {}, headers: { a: {} } },
      'invalid-request',
      /headers\.a/,
    ],
    [
      'nested too deep',
      `{"type":"${parcels}","payload":${'['.repeat(5_000)}${']'.repeat(5_000)}}`,
      'invalid-request',
      /nested deeper/,
    ],
  ])('%s is refused with the reasons', async (_name, body, code, detail) => {
    const answer = await send(body);
    expect(answer).toMatchObject({ status: 400, body: { code, detail: expect.stringMatching(detail) } });
  });

  it('is sent once for one Idempotency-Key, and answers the same again', async () => {
    const request = { type: orders, payload: { id: 'k', amount: 1 } };
    const options = { headers: { 'idempotency-key': 'key-1' } };
    const [first, twin] = await Promise.all([send(request, options), send(request, options)]);
    const answers = [first, twin].map(({ status }) => status).sort();
    // A twin comes too early or gets the first one's answer; it never sends a second message.
    expect([
      [202, 202],
      [202, 409],
    ]).toContainEqual(answers);
    const again = await send(request, options);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    const { transactionId } = again.body as { transactionId: string };
    await holdfast.outcome(transactionId, 'completed');
    expect(holdfast.settled.filter((event) => event.transactionId === transactionId)).toHaveLength(1);
  });

  it('is refused when its Idempotency-Key was used for another one', async () => {
    const options = { headers: { 'idempotency-key': 'key-2' } };
    await send({ type: 'letter', payload: 1 }, options);
    expect(await send({ type: 'letter', payload: 2 }, options)).toMatchObject({
      status: 422,
      body: { code: 'idempotency-key-reused' },
    });
    const asAdmin = await send({ type: 'letter', payload: 2 }, { ...options, as: 'admin' });
    expect(asAdmin.status).toBe(202);
  });

  it('has no second effect when the process died before it could write its answer down', async () => {
    const request = { type: orders, payload: { id: 'died', amount: 1 } };
    const options = { headers: { 'idempotency-key': 'key-died' } };
    const id = await sentId(request, options);
    await holdfast.outcome(id, 'completed');
    const asIfRunningSince = (age: string): Promise<unknown> =>
      world.database.query(
        `update holdfast.idempotent_request set status = null, body = null, created_at = now() - $1::interval where key = 'key-died'`,
        [age],
      );

    await asIfRunningSince('1 second');
    expect(await send(request, options)).toMatchObject({
      status: 409,
      body: { code: 'idempotency-key-in-use' },
    });
    await asIfRunningSince('2 minutes');
    expect(await sentId(request, options)).toBe(id);
    await holdfast.outcome(id, 'duplicate');
    expect(await world.effects('order', id)).toBe(1);
  });

  it('frees its Idempotency-Key when it was refused', async () => {
    const options = { headers: { 'idempotency-key': 'key-3' } };
    expect((await send({ type: 'nobody', payload: 1 }, options)).status).toBe(400);
    expect((await send({ type: 'letter', payload: 1 }, options)).status).toBe(202);
  });

  it('has a history of every try', async () => {
    const id = await sentId({ type: orders, payload: { id: 'bug', amount: 1 } });
    await holdfast.outcome(id, 'dead-letter');
    const answer = await history(id);
    expect(answer).toMatchObject({
      status: 200,
      body: {
        transactionId: id,
        consumers: [{ queue: orders, state: 'dead', failedAttempts: 2 }],
        timeline: [
          {
            attempt: 1,
            outcome: 'retrying',
            error: expect.stringContaining('cannot read'),
            handler: 'Handlers.onOrder',
          },
          { attempt: 2, outcome: 'dead', reason: expect.any(String) },
        ],
      },
    });
  });

  it('of which nothing is known has no history', async () => {
    expect(await history('never-sent')).toMatchObject({ status: 404, body: { code: 'message-unknown' } });
    expect(await history('x'.repeat(300))).toMatchObject({ status: 404 });
    expect(await history('a\0b')).toMatchObject({ status: 404 });
  });

  it('is not accepted when its queue does not exist', async () => {
    const missing = aQueue('missing');
    holdfast.consumers.register({ queue: missing, declare: false }, () => undefined);
    expect(await send({ type: missing, payload: 1 })).toMatchObject({
      status: 503,
      body: { code: 'queue-missing' },
    });
    await holdfast.consumers.unregister(missing);
  });

  describe('while a server is away', () => {
    let rabbitmq: ExtraServer;
    let postgres: ExtraServer;
    let away: string;

    beforeAll(async () => {
      [rabbitmq, postgres] = await Promise.all([extraServer('rabbitmq'), extraServer('postgres')]);
      await Promise.all([rabbitmq.stop(), postgres.stop()]);
      [, away] = await start({ RABBITMQ_URL: rabbitmq.url, DATABASE_URL: postgres.url }, false);
    });
    afterAll(() => Promise.all([rabbitmq.remove(), postgres.remove()]));

    it('is not accepted without the broker, and the answer says when to come back', async () => {
      const answer = await callApi(away, 'POST', '/api/v1/messages/process', {
        as: 'operator',
        body: { type: 'letter', payload: 1, transactionId: 'mine' },
      });
      expect(answer).toMatchObject({
        status: 503,
        body: { code: 'broker-unavailable', detail: expect.stringContaining('mine') },
      });
      expect(answer.headers.get('retry-after')).toBe('5');
    });

    it('cannot be looked up without the database', async () => {
      const answer = await callApi(away, 'GET', '/api/v1/messages/mine', { as: 'viewer' });
      expect(answer).toMatchObject({ status: 503, body: { code: 'database-unavailable' } });
      expect(answer.text).not.toMatch(/127\.0\.0\.1|ECONN/);
    });

    it('shows its consumers all the same', async () => {
      const answer = await callApi(away, 'GET', '/api/v1/consumers', { as: 'viewer' });
      expect(answer.status).toBe(200);
      expect(answer.body).toContainEqual(
        expect.objectContaining({ queue: orders, state: expect.not.stringMatching('running') }),
      );
    });
  });
});
