import { settingsInForce, type QueueFacts, type SettingsInForce } from './settings-in-force';

const policy = { name: 'all', isOperator: false };

function facts(
  args: Record<string, unknown>,
  definition: Record<string, string | number>,
  more: Partial<QueueFacts> = {},
): QueueFacts {
  const entries = Object.entries(definition).map(([key, value]) => [key, { value, policy }] as const);
  return {
    type: 'quorum',
    arguments: Object.fromEntries(Object.entries(args).map(([key, value]) => [`x-${key}`, value])),
    policy: Object.fromEntries(entries),
    major: 3,
    ...more,
  };
}

/** What RabbitMQ 3.10 does is held by test/assumptions/rabbitmq-policies-over-arguments.spec.ts. */
describe('settingsInForce', () => {
  const classic = { type: 'classic' };
  const four = { major: 4 };
  it.each<[string, QueueFacts, Partial<SettingsInForce>]>([
    ['nothing said', facts({}, {}), { messageTtl: undefined, expires: undefined, deliveryLimit: undefined }],
    ['an argument alone', facts({ 'message-ttl': 9 }, {}), { messageTtl: { value: 9 } }],
    ['a policy alone', facts({}, { 'message-ttl': 9 }), { messageTtl: { value: 9, policy } }],
    [
      'a smaller policy',
      facts({ 'message-ttl': 9 }, { 'message-ttl': 8 }),
      { messageTtl: { value: 8, policy } },
    ],
    ['a larger policy', facts({ 'message-ttl': 9 }, { 'message-ttl': 10 }), { messageTtl: { value: 9 } }],
    [
      'a policy like the argument',
      facts({ 'max-length': 9 }, { 'max-length': 9 }),
      { maxLength: { value: 9 } },
    ],
    ['bytes', facts({}, { 'max-length-bytes': 0 }), { maxLengthBytes: { value: 0, policy } }],
    ['an expiry', facts({}, { expires: 5 }), { expires: { value: 5, policy } }],
    [
      'overflow of a quorum queue',
      facts({ overflow: 'reject-publish' }, { overflow: 'drop-head' }),
      { overflow: { value: 'drop-head', policy }, dropsOldest: true },
    ],
    [
      'overflow that a quorum queue does not know',
      facts({ overflow: 'reject-publish' }, { overflow: 'reject-publish-dlx' }),
      { overflow: { value: 'reject-publish-dlx', policy }, dropsOldest: true },
    ],
    [
      'overflow as it is',
      facts({ overflow: 'reject-publish' }, { overflow: 'reject-publish' }),
      { overflow: { value: 'reject-publish' }, dropsOldest: false },
    ],
    [
      'overflow of a classic queue',
      facts({ overflow: 'reject-publish' }, { overflow: 'drop-head' }, classic),
      { overflow: { value: 'reject-publish' }, dropsOldest: false },
    ],
    [
      'overflow of a classic queue by policy',
      facts({}, { overflow: 'reject-publish-dlx' }, classic),
      { overflow: { value: 'reject-publish-dlx', policy }, dropsOldest: false },
    ],
    ['no overflow', facts({}, {}), { overflow: { value: 'drop-head' }, dropsOldest: true }],
    [
      'where to dead-letter',
      facts(
        { 'dead-letter-exchange': 'ours' },
        { 'dead-letter-exchange': 'theirs', 'dead-letter-routing-key': 'k', 'dead-letter-strategy': 's' },
      ),
      {
        deadLetterExchange: { value: 'ours' },
        deadLetterRoutingKey: { value: 'k', policy },
        deadLetterStrategy: { value: 's', policy },
      },
    ],
    [
      'the default exchange as an argument',
      facts({ 'dead-letter-exchange': '' }, { 'dead-letter-exchange': 'theirs' }),
      { deadLetterExchange: { value: '' } },
    ],
    [
      'a delivery limit',
      facts({ 'delivery-limit': 9 }, { 'delivery-limit': 8 }),
      { deliveryLimit: { value: 8, policy } },
    ],
    [
      'no delivery limit, of classic queues',
      facts({}, { 'delivery-limit': 8 }, classic),
      { deliveryLimit: undefined },
    ],
    ['the delivery limit of RabbitMQ 4', facts({}, {}, four), { deliveryLimit: { value: 20 } }],
    [
      'a limit on RabbitMQ 4',
      facts({ 'delivery-limit': 1_000 }, {}, four),
      { deliveryLimit: { value: 1_000 } },
    ],
    [
      'a negative limit on RabbitMQ 4',
      facts({ 'delivery-limit': 5 }, { 'delivery-limit': -1 }, four),
      { deliveryLimit: undefined },
    ],
    ['a negative limit before', facts({ 'delivery-limit': -1 }, {}), { deliveryLimit: { value: -1 } }],
    ['an argument of another type', facts({ 'message-ttl': '9' }, {}), { messageTtl: undefined }],
  ])('with %s', (_, given, expected) => {
    expect(settingsInForce(given)).toMatchObject(expected);
    for (const [key, value] of Object.entries(expected))
      expect(settingsInForce(given)[key as keyof SettingsInForce]).toEqual(value);
  });
});
