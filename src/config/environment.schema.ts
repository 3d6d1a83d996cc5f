import { z } from 'zod';
import {
  apiKeys,
  choice,
  duration,
  flag,
  integer,
  list,
  optionalVariable,
  secretLoginUrls,
  secretUrl,
  secretUrls,
  size,
  text,
  url,
  variable,
} from './variable';

/** Node's timers run at once when they are set further ahead than this. */
const LONGEST_TIMER = '24d';
const TEN_YEARS = '3650d';

/**
 * Every variable of the environment, grouped by the module that reads it. The keys are what the code sees; names,
 * defaults and words go from here into the error messages and into `docs/configuration.md`.
 */
export const environmentSchema = z.object({
  service: z
    .object({
      port: variable('PORT', integer(0, 65535), '3000', 'TCP port of the HTTP server; 0 takes a free one.'),
      handlers: variable(
        'HOLDFAST_HANDLERS',
        list(),
        '',
        'Folders or files of compiled handler modules (.js, .cjs). Every exported class with decorated methods is registered.',
      ),
      examples: variable(
        'HOLDFAST_EXAMPLES',
        flag(),
        'false',
        'Loads the example domain: orders, payments, shipping.',
      ),
      shutdownGraceMs: variable(
        'HOLDFAST_SHUTDOWN_GRACE',
        duration('0s', LONGEST_TIMER),
        '25s',
        'How long running handlers may take to finish after SIGTERM. Keep it below the grace period of the platform (Kubernetes: 30 s).',
      ),
      logLevel: variable(
        'LOG_LEVEL',
        choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
        'info',
        'The least severe log lines that are written.',
      ),
      logMessages: variable(
        'HOLDFAST_LOG_MESSAGES',
        choice(['all', 'failures', 'none']),
        'all',
        'Which messages get a log line once settled: `all`, `failures` (retries and dead letters) or `none`.',
      ),
      apiDocs: variable(
        'HOLDFAST_API_DOCS',
        flag(),
        'true',
        'Serves the description of the API at `/api/docs` and `/api/docs-json`, without a key; it holds no data.',
      ),
      trustedProxies: variable(
        'HOLDFAST_TRUSTED_PROXIES',
        integer(0, 10),
        '0',
        'How many reverse proxies stand before the service: that many `X-Forwarded-For` entries are believed, so that failed logins count for the true client.',
      ),
    })
    .readonly(),
  broker: z
    .object({
      urls: variable(
        'RABBITMQ_URL',
        secretUrls(['amqp', 'amqps']),
        'amqp://guest:guest@127.0.0.1:5672',
        'The broker, or the nodes of its cluster, with user, password and virtual host.',
      ),
      namespace: variable(
        'HOLDFAST_NAMESPACE',
        text(/^(?!amq\.)[a-z0-9][a-z0-9._-]{0,39}$/, '1 to 40 of a-z 0-9 . _ -, not starting with "amq."'),
        'holdfast',
        'Prefix of the exchanges and queues that Holdfast declares for itself.',
      ),
      heartbeatSeconds: variable(
        'HOLDFAST_HEARTBEAT',
        wholeSeconds('1s', '10m'),
        '10s',
        'A connection without a sign of life for about twice this long counts as lost. Whole seconds.',
      ),
      publishTimeoutMs: variable(
        'HOLDFAST_PUBLISH_TIMEOUT',
        duration('100ms', '10m'),
        '10s',
        'How long to wait for the broker to confirm a published message.',
      ),
      managementUrls: optionalVariable(
        'HOLDFAST_MANAGEMENT_URL',
        secretLoginUrls(['http', 'https']),
        "RabbitMQ's management API, or that of several nodes, tried in turn, with a user tagged `management` (better `monitoring`). With it the policies of the broker are checked every minute; without it they cannot be.",
      ),
    })
    .readonly(),
  database: z
    .object({
      url: variable(
        'DATABASE_URL',
        secretUrl(['postgres', 'postgresql']),
        'postgres://postgres:postgres@127.0.0.1:5432/postgres',
        'The Postgres database of the application; Holdfast keeps its tables in the schema `holdfast` of it.',
      ),
      poolSize: variable(
        'HOLDFAST_DATABASE_POOL',
        integer(2, 1000),
        '20',
        'Most database connections of one process. A transactional handler holds one while it runs.',
      ),
      migrate: variable(
        'HOLDFAST_MIGRATE',
        flag(),
        'true',
        'Runs pending migrations at start, under a lock.',
      ),
      lockTimeoutMs: variable(
        'HOLDFAST_LOCK_TIMEOUT',
        duration('100ms', '10m'),
        '5s',
        'How long a message waits for a twin of itself that is being handled before it is put off.',
      ),
      answerTimeoutMs: variable(
        'HOLDFAST_DATABASE_TIMEOUT',
        duration('100ms', '10m'),
        '30s',
        'A connection on which Postgres does not answer a BEGIN or COMMIT for this long counts as lost; the message is looked up again.',
      ),
    })
    .readonly(),
  idempotency: z
    .object({
      retentionMs: variable(
        'HOLDFAST_INBOX_RETENTION',
        duration('1m', TEN_YEARS),
        '14d',
        'How long a handled message is remembered: for that long a repetition of it has no effect.',
      ),
      leaseMs: variable(
        'HOLDFAST_LEASE',
        duration('1s', '1h'),
        '30s',
        'Idempotency `lease`: how long a message of a process that died, or lost the database, is left alone before another one takes it over. Heartbeats lengthen the lease while the handler runs, each at a third of it.',
      ),
      replayWindowMs: variable(
        'HOLDFAST_REPLAY_WINDOW',
        duration('0s', TEN_YEARS),
        '7d',
        'How old a message may be when an operator replays it. The retention must cover it and the longest way of retries.',
      ),
      sweepIntervalMs: variable(
        'HOLDFAST_SWEEP_INTERVAL',
        duration('1s', LONGEST_TIMER),
        '1m',
        'How often rows past their retention are removed.',
      ),
    })
    .readonly(),
  consumer: z
    .object({
      concurrency: variable(
        'HOLDFAST_CONCURRENCY',
        integer(1, 1000),
        '10',
        'Messages of one consumer handled at once by one process, where the consumer does not say otherwise.',
      ),
      timeoutMs: variable(
        'HOLDFAST_TIMEOUT',
        duration('1ms', LONGEST_TIMER),
        '20s',
        'How long a handler may run, where its consumer does not say otherwise.',
      ),
      deliveryLimit: variable(
        'HOLDFAST_DELIVERY_LIMIT',
        integer(2, 1000),
        '5',
        'How often a message may be delivered without being settled, because its process died, before it is parked as a dead letter.',
      ),
      maxBodyBytes: variable(
        'HOLDFAST_MAX_BODY',
        size('1B', '512MiB'),
        '16MiB',
        'The largest body that is decoded; a larger one becomes a dead letter.',
      ),
      maxInflatedBytes: variable(
        'HOLDFAST_MAX_INFLATED',
        size('1B', '2GiB'),
        '64MiB',
        'The largest size of a compressed body once it is inflated.',
      ),
      maxDepth: variable(
        'HOLDFAST_MAX_DEPTH',
        integer(1, 1000),
        '100',
        'How deep objects and lists of a JSON body may be nested.',
      ),
    })
    .readonly(),
  access: z
    .object({
      apiKeys: variable(
        'HOLDFAST_API_KEYS',
        apiKeys(),
        '',
        'Keys of the admin API, `name:role:secret` each, with role `viewer`, `operator` or `admin`. Without any, the admin API answers 401 to all.',
      ),
      metricsRequireKey: variable(
        'HOLDFAST_METRICS_REQUIRE_KEY',
        flag(),
        'false',
        'Asks for a key (any role) at `/metrics`.',
      ),
    })
    .readonly(),
  example: z
    .object({
      paymentUrl: optionalVariable(
        'EXAMPLE_PAYMENT_URL',
        url(['http', 'https']),
        'Where the example domain asks for payments. Without it the example consumer `payments` is not registered.',
      ),
    })
    .readonly(),
});

/**
 * The headings of the groups in `docs/configuration.md`.
 * @public for scripts/docs.mjs
 */
export const GROUP_TITLES: Readonly<Record<keyof typeof environmentSchema.shape, string>> = {
  service: 'Service',
  broker: 'Broker',
  database: 'Database',
  idempotency: 'Exactly-once effect',
  consumer: 'Consumers',
  access: 'Access',
  example: 'Example domain',
};

function wholeSeconds(min: string, max: string) {
  const kind = duration(min, max);
  const schema = kind.schema
    .refine((ms) => ms % 1000 === 0, { error: `a duration of whole seconds, from ${min} to ${max}` })
    .transform((ms) => ms / 1000);
  return { ...kind, schema };
}
