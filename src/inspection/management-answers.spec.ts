import {
  readClusterSize,
  readDefinitions,
  readExchangePolicy,
  readQueue,
  type Policies,
} from './management-answers';

const policies: Policies = {
  users: readDefinitions([
    { vhost: 'v', name: 'all', pattern: '.*', definition: { 'max-length': 5, expires: 9 } },
  ]),
  operators: readDefinitions([{ name: 'ops', definition: { 'max-length': 3, expires: 9 } }]),
};

/** As RabbitMQ 3.10.8 answers, with what other versions write instead. */
describe('readQueue', () => {
  const queue = {
    name: 'orders',
    type: 'quorum',
    arguments: { 'x-queue-type': 'quorum' },
    policy: null,
    operator_policy: null,
    effective_policy_definition: {},
    members: ['rabbit@a'],
    online: ['rabbit@a'],
  };

  it('reads a queue without a policy', () => {
    expect(readQueue(queue, policies, 3)).toEqual({
      type: 'quorum',
      arguments: { 'x-queue-type': 'quorum' },
      policy: {},
      members: ['rabbit@a'],
      online: ['rabbit@a'],
      major: 3,
    });
  });

  it.each([[[]], [''], [null]])('takes %j for nothing', (empty) => {
    const answer = { ...queue, effective_policy_definition: empty, arguments: empty };
    expect(readQueue(answer, policies, 3)).toMatchObject({ policy: {}, arguments: {} });
  });

  it('knows nothing as long as the broker tells nothing', () => {
    expect(readQueue({ ...queue, effective_policy_definition: undefined }, policies, 3)).toBeUndefined();
  });

  it.each([
    ['all', null, { name: 'all', isOperator: false }, { name: 'all', isOperator: false }],
    [null, 'ops', { name: 'ops', isOperator: true }, { name: 'ops', isOperator: true }],
    ['all', 'ops', { name: 'ops', isOperator: true }, { name: 'all', isOperator: false }],
    ['changed', 'changed', { name: 'changed', isOperator: false }, { name: 'changed', isOperator: false }],
  ])('says of each value whose it is: policy %s, operator policy %s', (policy, operator, length, expires) => {
    const answer = {
      ...queue,
      policy,
      operator_policy: operator,
      effective_policy_definition: { 'max-length': 3, expires: 9 },
    };
    expect(readQueue(answer, policies, 3)?.policy).toEqual({
      'max-length': { value: 3, policy: length },
      expires: { value: 9, policy: expires },
    });
  });

  it.each([[null], ['text'], [[]], [{}], [{ ...queue, type: 5 }], [{ ...queue, arguments: 'x' }]])(
    'does not take %j for an answer',
    (answer) => {
      expect(() => readQueue(answer, policies, 3)).toThrow();
    },
  );
});

it('reads the policy of an exchange and the number of nodes', () => {
  expect(readExchangePolicy({ name: 'x', policy: 'all' })).toBe('all');
  expect(readExchangePolicy({ name: 'x' })).toBeUndefined();
  expect(readClusterSize([{ name: 'a' }, { name: 'b' }])).toBe(2);
  expect(() => readClusterSize({ error: 'not_authorised' })).toThrow();
});
