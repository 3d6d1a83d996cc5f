import { evaluate } from '../support/script-module';
import { servers } from '../support/servers';

const shakeHands = (url: string): Promise<unknown> =>
  evaluate('setup/amqp-handshake.mjs', 'it.shakeHandsWithRabbitmq(input)', url);

const changed = (change: (url: URL) => void): string => {
  const url = new URL(servers().rabbitmqUrl);
  change(url);
  return url.href;
};

describe('the handshake with RabbitMQ', () => {
  it('tells the version of a broker that lets us in', async () => {
    expect(await shakeHands(servers().rabbitmqUrl)).toEqual({ version: expect.stringMatching(/^\d+\.\d+/) });
  });

  it.each([
    ['a wrong password', () => changed((url) => (url.password = 'wrong')), 'ACCESS_REFUSED'],
    ['an unknown vhost', () => changed((url) => (url.pathname = '/nowhere')), 'nowhere'],
    [
      'a server of another kind',
      () => changed((url) => (url.port = new URL(servers().databaseUrl).port)),
      '',
    ],
  ])('says at once that %s cannot heal by waiting', async (_name, url, reason) => {
    const answer = (await shakeHands(url())) as { error: { message: string; final: boolean } };
    expect(answer.error.message).toContain(reason);
    expect(answer.error.message).not.toContain('wrong');
  });

  it('is worth another try where nobody listens yet', async () => {
    expect(await shakeHands('amqp://127.0.0.1:1')).toEqual({
      error: { message: expect.stringContaining('ECONNREFUSED'), final: false },
    });
  });
});
