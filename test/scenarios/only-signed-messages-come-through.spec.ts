import { createHmac } from 'node:crypto';
import { SignJWT } from 'jose';
import { ReliableConsumer, signMessage, type MessageContext } from 'holdfast';
import { takeDeadLetter } from '../support/dead-letters';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';

const signed = aQueue('signed');
const tokened = aQueue('tokened');
const OLD = 'the old secret of the shop';
const SECRET = 'the new secret of the shop';
const KEY = 'a key of at least thirty-two bytes';

class Orders {
  @ReliableConsumer({
    queue: signed,
    authenticate: { hmac: { secrets: [SECRET, OLD], tolerance: '1s' } },
    retry: { delays: ['1500ms', '100ms'] },
  })
  async onSigned({ failOnce }: { failOnce?: boolean }, ctx: MessageContext): Promise<void> {
    await ctx.tx.query('insert into effect values ($1, $2, $3)', ['signed', ctx.id, String(ctx.attempt)]);
    if (failOnce && ctx.attempt === 1) throw new TypeError('once');
  }

  @ReliableConsumer({
    queue: tokened,
    authenticate: {
      jwt: { secret: KEY, algorithms: ['HS256'], issuer: 'shop', audience: 'orders', clockTolerance: '0s' },
    },
    retry: { delays: ['1500ms'] },
  })
  async onTokened({ failOnce }: { failOnce?: boolean }, ctx: MessageContext): Promise<void> {
    await ctx.tx.query('insert into effect values ($1, $2, $3)', ['tokened', ctx.id, String(ctx.attempt)]);
    if (failOnce && ctx.attempt === 1) throw new TypeError('once');
  }
}

const nowInSeconds = (): number => Math.floor(Date.now() / 1_000);
const jwt = (claims: object = {}, { key = KEY, expiresIn = 60 } = {}): Promise<string> =>
  new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer('shop')
    .setAudience('orders')
    .setExpirationTime(nowInSeconds() + expiresIn)
    .sign(Buffer.from(key));

describe('only signed messages come through', () => {
  let world: World;
  let holdfast: RunningHoldfast;

  beforeAll(async () => {
    world = await World.create();
    holdfast = await world.start({ handlers: [Orders] });
  });
  afterAll(() => world.remove());

  const refused = async (queue: string): Promise<string> => {
    const dead = await takeDeadLetter(world, queue);
    expect(dead.reason).toBe('unauthenticated');
    expect(JSON.stringify(dead.headers['holdfast-error'])).not.toContain(SECRET);
    return dead.error;
  };

  it.each([SECRET, OLD])('a signature under any of the secrets counts', async (secret) => {
    const body = Buffer.from('{}');
    await world.broker.send(signed, secret, body, {
      headers: signMessage(body, { secret, messageId: secret }),
    });
    await holdfast.outcome(secret, 'completed');
  });

  it('a signature made by hand, as the description says', async () => {
    const body = '{"by": "hand"}';
    const timestamp = String(nowInSeconds());
    const id = 'order.7%';
    const signature = createHmac('sha256', SECRET)
      .update(`${timestamp}.order%2E7%25.${body}`)
      .digest('base64');
    await world.broker.send(signed, id, Buffer.from(body), {
      headers: { 'x-signature': signature, 'X-Signature-Timestamp': timestamp },
    });
    await holdfast.outcome(id, 'completed');
  });

  it('a retry passes although the signature has aged beyond the tolerance by then', async () => {
    const body = Buffer.from('{"failOnce":true}');
    await world.broker.send(signed, 's-retry', body, {
      headers: signMessage(body, { secret: SECRET, messageId: 's-retry' }),
    });
    await holdfast.outcome('s-retry', 'retry');
    await holdfast.outcome('s-retry', 'completed');
    expect(await world.database.query("select detail from effect where transaction_id = 's-retry'")).toEqual([
      { detail: '2' },
    ]);
  });

  it.each<[string, (body: Buffer) => object, RegExp]>([
    ['no signature', () => ({}), /the header x-signature is missing/],
    [
      'another secret',
      (body) => signMessage(body, { secret: 'somebody else’s secret', messageId: 'm' }),
      /does not fit/,
    ],
    ['another message id', (body) => signMessage(body, { secret: SECRET, messageId: 'n' }), /does not fit/],
    ['another body', () => signMessage('{"other":1}', { secret: SECRET, messageId: 'm' }), /does not fit/],
    [
      'an old signature',
      (body) => signMessage(body, { secret: SECRET, messageId: 'm', timestamp: nowInSeconds() - 60 }),
      /60 s old at its first delivery/,
    ],
    [
      'an old signature that claims to be a retry',
      (body) => ({
        ...signMessage(body, { secret: SECRET, messageId: 'm', timestamp: nowInSeconds() - 60 }),
        'x-retry-count': 1,
        'holdfast-replay': 'x',
      }),
      /s old at its first delivery/,
    ],
    [
      'a signature from the future',
      (body) => signMessage(body, { secret: SECRET, messageId: 'm', timestamp: nowInSeconds() + 60 }),
      /ahead of our clock/,
    ],
    [
      'a header that is no text',
      () => ({ 'x-signature': 7, 'x-signature-timestamp': nowInSeconds() }),
      /must be text/,
    ],
  ])('%s is a dead letter at once, and no handler sees it', async (_, headers, complaint) => {
    const body = Buffer.from('{ "spaces":  1 }');
    await world.broker.send(signed, 'm', body, { headers: headers(body) });
    expect(await refused(signed)).toMatch(complaint);
    expect(await world.effects('signed', 'm')).toBe(0);
  });

  it('a refused message does not use up the transaction id of the real one', async () => {
    const body = Buffer.from('{"real":true}');
    await world.broker.send(signed, 'stolen', Buffer.from('{"forged":true}'));
    await refused(signed);
    await world.broker.send(signed, 'stolen', body, {
      headers: signMessage(body, { secret: SECRET, messageId: 'stolen' }),
    });
    await holdfast.outcome('stolen', 'completed');
  });

  it('a token, and its retry after the token has expired', async () => {
    const authorization = `Bearer ${await jwt({}, { expiresIn: 1 })}`;
    await world.broker.send(tokened, 't-1', { failOnce: true }, { headers: { authorization } });
    await holdfast.outcome('t-1', 'retry');
    await holdfast.outcome('t-1', 'completed');
    expect(await world.effects('tokened', 't-1')).toBe(1);
  });

  it.each<[string, () => Promise<string | undefined>, RegExp]>([
    ['no token', () => Promise.resolve(undefined), /authorization is missing/],
    ['another key', () => jwt({}, { key: 'another key of at least 32 bytes!!' }), /signature/],
    ['an expired token', () => jwt({}, { expiresIn: -10 }), /exp/],
    [
      'another issuer',
      () =>
        new SignJWT({ iss: 'other', aud: 'orders' })
          .setProtectedHeader({ alg: 'HS256' })
          .sign(Buffer.from(KEY)),
      /iss/,
    ],
    [
      'a token that chooses no algorithm',
      () => Promise.resolve(`${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`),
      /authorization/,
    ],
  ])('%s is a dead letter at once', async (_, token, complaint) => {
    const authorization = await token();
    await world.broker.send(
      tokened,
      'n-1',
      {},
      { headers: authorization === undefined ? {} : { authorization } },
    );
    expect(await refused(tokened)).toMatch(complaint);
  });
});
