import { EnvironmentError } from './environment-error';
import { describeEnvironment, readEnvironment } from './environment';

const SECRET = 'a-secret-of-more-than-16-characters';

describe('readEnvironment', () => {
  it('has a default for everything', () => {
    const environment = readEnvironment({});
    expect(environment).toEqual({
      service: {
        port: 3000,
        handlers: [],
        examples: false,
        shutdownGraceMs: 25_000,
        logLevel: 'info',
        logMessages: 'all',
        apiDocs: true,
        trustedProxies: 0,
      },
      broker: {
        urls: ['amqp://guest:guest@127.0.0.1:5672'],
        namespace: 'holdfast',
        heartbeatSeconds: 10,
        publishTimeoutMs: 10_000,
        managementUrls: undefined,
      },
      database: {
        url: 'postgres://postgres:postgres@127.0.0.1:5432/postgres',
        poolSize: 20,
        migrate: true,
        lockTimeoutMs: 5_000,
        answerTimeoutMs: 30_000,
      },
      idempotency: {
        retentionMs: 1_209_600_000,
        leaseMs: 30_000,
        replayWindowMs: 604_800_000,
        sweepIntervalMs: 60_000,
      },
      consumer: {
        concurrency: 10,
        timeoutMs: 20_000,
        deliveryLimit: 5,
        maxBodyBytes: 16_777_216,
        maxInflatedBytes: 67_108_864,
        maxDepth: 100,
      },
      access: { apiKeys: [], metricsRequireKey: false },
      example: { paymentUrl: undefined },
      warnings: [],
    });
  });

  it.each([
    ['PORT', '0', 'service.port', 0],
    ['PORT', ' 8080 ', 'service.port', 8080],
    ['PORT', '', 'service.port', 3000],
    ['HOLDFAST_HANDLERS', './a, /b/c.js,', 'service.handlers', ['./a', '/b/c.js']],
    ['HOLDFAST_EXAMPLES', 'true', 'service.examples', true],
    ['HOLDFAST_SHUTDOWN_GRACE', '1m', 'service.shutdownGraceMs', 60_000],
    ['LOG_LEVEL', 'silent', 'service.logLevel', 'silent'],
    ['RABBITMQ_URL', 'amqp://a,amqps://b:5671/v', 'broker.urls', ['amqp://a', 'amqps://b:5671/v']],
    ['HOLDFAST_HEARTBEAT', '1m', 'broker.heartbeatSeconds', 60],
    [
      'HOLDFAST_MANAGEMENT_URL',
      'http://u:p@a:15672, https://u:p@b/rabbit',
      'broker.managementUrls',
      ['http://u:p@a:15672', 'https://u:p@b/rabbit'],
    ],
    ['DATABASE_URL', 'postgresql:///x?host=/run', 'database.url', 'postgresql:///x?host=/run'],
    ['HOLDFAST_MIGRATE', 'false', 'database.migrate', false],
    ['HOLDFAST_MAX_BODY', '512KiB', 'consumer.maxBodyBytes', 524_288],
    [
      'HOLDFAST_API_KEYS',
      `ops:admin:${SECRET}`,
      'access.apiKeys',
      [{ name: 'ops', role: 'admin', secret: SECRET }],
    ],
    ['EXAMPLE_PAYMENT_URL', 'http://127.0.0.1:9', 'example.paymentUrl', 'http://127.0.0.1:9'],
  ])('reads %s=%j', (name, value, path, expected) => {
    expect(readEnvironment({ [name]: value })).toHaveProperty(path, expected);
  });

  it.each([
    ['PORT', '65536', 'a whole number, from 0 to 65535'],
    ['PORT', '1e3', 'a whole number'],
    ['PORT', '0x10', 'a whole number'],
    ['HOLDFAST_EXAMPLES', 'yes', 'true or false'],
    ['HOLDFAST_SHUTDOWN_GRACE', '25', 'a duration like'],
    ['HOLDFAST_SHUTDOWN_GRACE', '25d', 'from 0s to 24d'],
    ['LOG_LEVEL', 'verbose', 'one of trace, debug'],
    ['RABBITMQ_URL', 'http://a', 'each starting with amqp:// or amqps://'],
    ['RABBITMQ_URL', 'amqp://a,b', 'each starting with'],
    ['HOLDFAST_MANAGEMENT_URL', 'amqp://u:p@a', 'each like http://user:password@host'],
    ['HOLDFAST_MANAGEMENT_URL', 'http://u:p@a,http://b:15672', 'each like http://user:password@host'],
    ['HOLDFAST_NAMESPACE', 'amq.mine', 'not starting with "amq."'],
    ['HOLDFAST_NAMESPACE', 'Über', '1 to 40 of'],
    ['HOLDFAST_HEARTBEAT', '1500ms', 'whole seconds'],
    ['HOLDFAST_HEARTBEAT', 'often', 'a duration like'],
    ['DATABASE_URL', 'mysql://a', 'starts with postgres:// or postgresql://'],
    ['HOLDFAST_DATABASE_POOL', '1', 'from 2 to 1000'],
    ['HOLDFAST_MAX_BODY', '16MB', 'a size like'],
    ['HOLDFAST_INBOX_RETENTION', '6d', 'at least HOLDFAST_REPLAY_WINDOW (7d)'],
    ['HOLDFAST_API_KEYS', 'just-a-secret', 'key 1 of 1 is not written as name:role:secret'],
    ['HOLDFAST_API_KEYS', `ops:root:${SECRET}`, 'key 1 of 1 has a role that is none of viewer'],
    [
      'HOLDFAST_API_KEYS',
      `a:viewer:${SECRET},a:admin:${SECRET}1`,
      'key 2 of 2 has the name of an earlier key',
    ],
    [
      'HOLDFAST_API_KEYS',
      `a:viewer:${SECRET}\nb:admin:${SECRET}`,
      'key 2 of 2 has the secret of an earlier key',
    ],
  ])('refuses %s=%j', (name, value, expectation) => {
    expect(() => readEnvironment({ [name]: value })).toThrow(EnvironmentError);
    expect(() => readEnvironment({ [name]: value })).toThrow(expectation);
    expect(() => readEnvironment({ [name]: value })).toThrow(name);
  });

  it('says one thing about one wrong value', () => {
    expect(problemsOf({ HOLDFAST_HEARTBEAT: 'often' })).toHaveLength(1);
  });

  it('names all wrong values in one error', () => {
    const names = problemsOf({ PORT: 'x', HOLDFAST_TIMEOUT: '20', RABBITMQ_URL: 'no' }).map(
      ({ variable }) => variable.name,
    );
    expect(names).toEqual(['PORT', 'RABBITMQ_URL', 'HOLDFAST_TIMEOUT']);
  });

  it.each([
    [{ RABBITMQ_URL: 'http://user:hunter2@rabbit:5672/v' }, '"http://***@rabbit:5672/v"'],
    [{ RABBITMQ_URL: 'amqp://user:hunter2,x@rabbit' }, '"amqp://***@rabbit"'],
    [{ HOLDFAST_MANAGEMENT_URL: 'amqp://user:hunter2@rabbit:15672' }, '"amqp://***@rabbit:15672"'],
    [{ DATABASE_URL: 'mysql://db/x?password=hunter2' }, '"mysql://db/x?***"'],
    [{ DATABASE_URL: 'postgres://user:hunter2' }, '"postgres://***"'],
    [{ DATABASE_URL: 'hunter2' }, '"(hidden)"'],
    [{ HOLDFAST_API_KEYS: 'hunter2' }, '"(hidden)"'],
    [{ HOLDFAST_API_KEYS: 'hunter2:ops:admin' }, '"(hidden)"'],
  ])('masks the secret of %j', (source, shown) => {
    const read = (): unknown => readEnvironment(source);
    expect(read).toThrow(shown);
    expect(read).not.toThrow('hunter2');
  });

  describe('secrets from files', () => {
    const files: Record<string, string> = { '/run/keys': `# who\na:viewer:${SECRET}\n`, '/run/empty': '\n' };
    const read = (path: string): string => {
      const content = files[path];
      if (content === undefined) throw new Error(`ENOENT: no such file, open '${path}'`);
      return content;
    };

    it('are read without the last newline', () => {
      const { access } = readEnvironment({ HOLDFAST_API_KEYS_FILE: '/run/keys' }, read);
      expect(access.apiKeys).toEqual([{ name: 'a', role: 'viewer', secret: SECRET }]);
    });

    it.each([
      [
        { HOLDFAST_API_KEYS_FILE: '/run/none' },
        'HOLDFAST_API_KEYS_FILE = "/run/none": expected a file that can be read (ENOENT',
      ],
      [
        { DATABASE_URL_FILE: '/run/empty' },
        'DATABASE_URL_FILE = "/run/empty": expected a file that is not empty',
      ],
      [
        { RABBITMQ_URL_FILE: '/run/keys', RABBITMQ_URL: 'amqp://u:hunter2@a' },
        'either RABBITMQ_URL or RABBITMQ_URL_FILE, not both',
      ],
    ])('are refused: %j', (source, message) => {
      expect(() => readEnvironment(source, read)).toThrow(message);
      expect(() => readEnvironment(source, read)).not.toThrow('hunter2');
    });
  });

  it.each([
    [
      { HOLDFAST_TIMOUT: '1s' },
      'HOLDFAST_TIMOUT is not a setting of Holdfast and was ignored; did you mean HOLDFAST_TIMEOUT?',
    ],
    [{ HOLDFAST_LOG_LEVEL: 'info' }, 'did you mean LOG_LEVEL?'],
    [{ HOLDFAST_XYZZY_PLUGH: '1' }, 'HOLDFAST_XYZZY_PLUGH is not a setting of Holdfast and was ignored'],
    [{ HOLDFAST_NAMESPACE_FILE: '/x' }, 'did you mean HOLDFAST_NAMESPACE?'],
    [
      { HOLDFAST_API_KEYS: 'a:viewer:short' },
      'HOLDFAST_API_KEYS: key 1 of 1 has a secret of fewer than 16 characters',
    ],
    [{ HOLDFAST_TIMEOUT: '1m' }, 'HOLDFAST_TIMEOUT (1m) is longer than HOLDFAST_SHUTDOWN_GRACE (25s)'],
    [{ HOLDFAST_CONCURRENCY: '30' }, 'HOLDFAST_CONCURRENCY (30) is more than HOLDFAST_DATABASE_POOL (20)'],
  ])('warns of %j', (source, warning) => {
    const { warnings } = readEnvironment(source);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(warning);
  });

  it.each([
    'HOLDFAST_SERVICE_HOST',
    'HOLDFAST_PORT',
    'HOLDFAST_PORT_3000_TCP',
    'HOLDFAST_TEST_SERVERS',
    'PATH',
  ])('does not warn of %s', (name) => {
    expect(readEnvironment({ [name]: 'x' }).warnings).toEqual([]);
  });
});

it('describes every variable once', () => {
  const names = describeEnvironment().map(({ variable }) => variable.name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toContain('HOLDFAST_API_KEYS');
});

function problemsOf(source: Record<string, string>): EnvironmentError['problems'] {
  try {
    readEnvironment(source);
  } catch (error) {
    if (error instanceof EnvironmentError) return error.problems;
  }
  return [];
}
