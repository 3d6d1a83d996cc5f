import { ReliableConsumer } from 'holdfast';
import { API_KEYS, type ApiAnswer, type ApiCall, callApi } from '../support/api-client';
import { eventually } from '../support/eventually';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const queue = aQueue('orders');
const other = aQueue('mail');

class Handlers {
  @ReliableConsumer({ queue, idempotency: 'off', retry: { delays: ['10s', '30s'] } })
  onOrder(): void {
    return;
  }

  @ReliableConsumer({ queue: other, idempotency: 'off' })
  onMail(): void {
    return;
  }
}

describe('an operator pauses a consumer', () => {
  let world: World;
  let first: RunningHoldfast;
  let address: string;

  const start = async (): Promise<[RunningHoldfast, string]> => {
    const one = await world.start({
      handlers: [Handlers],
      variables: { HOLDFAST_API_KEYS: API_KEYS },
      wait: false,
    });
    await one.app.listen(0);
    return [one, (await one.app.getUrl()).replace('[::1]', '127.0.0.1')];
  };
  const call = (method: string, path: string, options: ApiCall = { as: 'operator' }): Promise<ApiAnswer> =>
    callApi(address, method, `/api/v1/consumers${path}`, options);
  const stateIs = (state: string, at = address): Promise<ApiAnswer> =>
    eventually(async () => {
      const answer = await callApi(at, 'GET', `/api/v1/consumers/${queue}`, { as: 'viewer' });
      expect(answer).toMatchObject({ status: 200, body: { state } });
      return answer;
    });

  beforeAll(async () => {
    world = await World.create();
    [first, address] = await start();
    await first.attached();
  });
  afterAll(() => world.remove());

  it('who sees every consumer with what it does', async () => {
    const { body } = await call('GET', '');
    expect(body).toHaveLength(2);
    expect(body).toContainEqual(
      expect.objectContaining({
        queue,
        state: 'running',
        handlers: [{ class: 'Handlers', method: 'onOrder', types: [] }],
        retryDelays: ['10s', '30s'],
        deadLetterQueue: `${queue}.dlq`,
        paused: null,
      }),
    );
  });

  it('on every replica, also on one that starts later, until somebody resumes', async () => {
    const [, second] = await start();
    const answer = await call('POST', `/${queue}/pause`, {
      as: 'operator',
      body: { reason: 'stock-taking' },
    });
    expect(answer).toMatchObject({
      status: 200,
      body: { state: 'paused', paused: { by: 'the-operator', reason: 'stock-taking' } },
    });
    await stateIs('paused', second);
    const [, third] = await start();
    expect((await stateIs('paused', third)).body.paused).toMatchObject({
      by: 'the-operator',
      reason: 'stock-taking',
    });

    await world.broker.send(queue, 'waits', {});
    await world.broker.send(other, 'goes', {});
    await first.outcome('goes', 'completed');
    expect(first.settled.some(({ transactionId }) => transactionId === 'waits')).toBe(false);

    expect((await call('POST', `/${queue}/resume`)).body.paused).toBeNull();
    await Promise.all([stateIs('running'), stateIs('running', second), stateIs('running', third)]);
    await eventually(async () => {
      expect(await world.broker.depth(queue)).toBe(0);
    });
  });

  it('twice with one Idempotency-Key, which is one pause', async () => {
    const options = { as: 'operator', headers: { 'idempotency-key': 'pause-1' }, body: {} } as const;
    const { body } = await call('POST', `/${queue}/pause`, options);
    await call('POST', `/${queue}/resume`);
    const again = await call('POST', `/${queue}/pause`, options);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.body).toEqual(body);
    await stateIs('running');
  });

  it.each<[string, string, string, ApiCall, number, string]>([
    ['that does not exist', 'POST', '/nobody/pause', { as: 'operator' }, 404, 'consumer-unknown'],
    ['that does not exist, to see it', 'GET', '/nobody', { as: 'viewer' }, 404, 'consumer-unknown'],
    [
      'with a mistyped field',
      'POST',
      `/${queue}/pause`,
      { as: 'operator', body: { why: 'x' } },
      400,
      'invalid-request',
    ],
    [
      'with a number for a reason',
      'POST',
      `/${queue}/pause`,
      { as: 'operator', body: { reason: 1 } },
      400,
      'invalid-request',
    ],
    ['as a viewer', 'POST', `/${queue}/pause`, { as: 'viewer' }, 403, 'role-too-low'],
  ])('%s: refused', async (_name, method, path, options, status, code) => {
    expect(await call(method, path, options)).toMatchObject({ status, body: { code } });
  });
});
