import { Logger } from '@nestjs/common';
import { ReliableConsumer } from 'holdfast';
import { Inspection } from '../../src/inspection/inspection.module';
import { ObservabilityModule } from '../../src/observability/observability.module';
import { API_KEYS, callApi, type ApiAnswer } from '../support/api-client';
import { eventually } from '../support/eventually';
import { aQueue, World, type RunningHoldfast } from '../support/holdfast';
import { servers } from '../support/servers';
import { TcpProxy } from '../support/tcp-proxy';
import { management } from '../support/vhosts';

const queue = aQueue('orders');
const bare = aQueue('bare');
const TIER = 'holdfast.delay.1m';
/** The management API tells of a policy some ten seconds after it was set, and of a new queue's no sooner. */
const TOLD_MS = 30_000;

class Handlers {
  @ReliableConsumer({ queue, retry: { delays: ['1m'] } })
  onOrder(): void {}

  @ReliableConsumer({ queue: bare, declare: false, retry: false, idempotency: 'off' })
  onBare(): void {}
}

interface Line {
  readonly level: string;
  readonly fields: Record<string, unknown>;
  readonly text: string;
}

describe('a policy of somebody else', () => {
  let world: World;
  let proxy: TcpProxy;
  let wires: TcpProxy;
  let holdfast: RunningHoldfast;
  let address: string;
  const lines: Line[] = [];
  const writer =
    (level: string) =>
    (fields: unknown, text: unknown): unknown =>
      typeof fields === 'object' &&
      lines.push({ level, fields: fields as Line['fields'], text: String(text) });

  const policyPath = (kind: string, name: string): string =>
    `/${kind}/${encodeURIComponent(world.vhost.name)}/${name}`;
  const lay = async (
    name: string,
    definition: Record<string, unknown>,
    { pattern = '.*', kind = 'policies', applyTo = 'queues', priority = 0 } = {},
  ): Promise<void> => {
    await management('PUT', policyPath(kind, name), {
      pattern,
      definition,
      'apply-to': applyTo,
      priority,
    });
  };
  const take = async (name: string, kind = 'policies'): Promise<void> => {
    await management('DELETE', policyPath(kind, name));
  };
  const found = async (): Promise<string[]> => {
    const inspection = holdfast.app.get(Inspection);
    await inspection.inspect();
    const { body } = await ready();
    return (
      (body.details.topology.findings ?? []) as { object: string; kind: string; policy: string | null }[]
    )
      .map(({ object, kind, policy }) => `${object} ${kind} ${policy}`)
      .sort();
  };
  const ready = async (): Promise<ApiAnswer> => {
    const answer = await callApi(address, 'GET', '/health/ready');
    expect(answer.status).toBe(200);
    return answer;
  };
  const series = async (): Promise<string[]> => {
    const { text } = await callApi(address, 'GET', '/metrics');
    return text.split('\n').filter((line) => /^holdfast_(topology_findings|policies_readable)/.test(line));
  };
  const OF_BARE = `${bare} drops null`;

  beforeAll(async () => {
    world = await World.create();
    [proxy, wires] = await Promise.all([TcpProxy.to(servers().managementUrl), TcpProxy.to(world.vhost.url)]);
    const channel = await world.broker.ready();
    const args = { 'x-queue-type': 'quorum', 'x-delivery-limit': 20 };
    await channel.assertQueue(bare, { durable: true, arguments: args });
    holdfast = await world.start({
      handlers: [Handlers],
      imports: [ObservabilityModule],
      variables: {
        RABBITMQ_URL: wires.url,
        HOLDFAST_MANAGEMENT_URL: `http://nobody:nothing@127.0.0.1:1,${proxy.url}`,
        HOLDFAST_API_KEYS: API_KEYS,
      },
      prepare: () => {
        Logger.overrideLogger({
          log: writer('log'),
          warn: writer('warn'),
          error: writer('error'),
          debug: writer('debug'),
        });
      },
    });
    await holdfast.app.listen(0);
    address = await holdfast.app.getUrl();
  });
  afterAll(async () => {
    Logger.overrideLogger(false);
    await world.remove();
    await Promise.all([proxy.close(), wires.close()]);
  });

  it('is looked for right after the start, without being asked', async () => {
    await eventually(() => {
      expect(holdfast.app.get(Inspection).policyCheck).toEqual({ state: 'read' });
    }, TOLD_MS);
    const { body } = await ready();
    expect(body.details.topology).toMatchObject({ status: 'up', policies: 'read' });
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: 'log',
        text: expect.stringContaining('policies of RabbitMQ are read'),
      }),
    );
    expect(await series()).toContain('holdfast_policies_readable 1');
  });

  it('is not needed for a queue that drops what it gives up on', async () => {
    expect(await found()).toEqual([OF_BARE]);
    const { body } = await callApi(address, 'GET', `/api/v1/consumers/${bare}`, { as: 'viewer' });
    expect(body).toMatchObject({
      state: 'running',
      findings: [{ object: bare, kind: 'drops', policy: null, key: 'delivery-limit', value: 20 }],
    });
  });

  it('is reported by its name, what it does and what mends it, and leaves the service ready', async () => {
    await lay('all', { 'message-ttl': 1_000, overflow: 'drop-head' });
    await eventually(async () => {
      expect(await found()).toEqual(
        [
          OF_BARE,
          `${bare} expires all`,
          `${bare}.dlq expires all`,
          `${queue} expires all`,
          `${queue} weakens all`,
          `${queue}.dlq expires all`,
          `${TIER} expires all`,
          `${TIER} weakens all`,
          'holdfast.unroutable expires all',
        ].sort(),
      );
    }, TOLD_MS);
    const warnings = lines.filter(({ level }) => level === 'warn').map(({ text }) => text);
    expect(warnings).toContainEqual(
      expect.stringMatching(
        new RegExp(
          `${queue}: policy "all" \\(message-ttl 1000\\): a message that has waited for 1s ends in the dead-letter queue, unhandled. Mend: let the policy "all" not match it`,
        ),
      ),
    );
    expect(warnings).toContainEqual(
      expect.stringMatching(
        new RegExp(`${TIER}: policy "all" \\(message-ttl 1000\\): copies come back after 1s`),
      ),
    );
    expect(await series()).toEqual(
      expect.arrayContaining([
        `holdfast_topology_findings{queue="${queue}",kind="expires"} 1`,
        `holdfast_topology_findings{queue="${TIER}",kind="weakens"} 1`,
      ]),
    );
    const { body } = await ready();
    expect(body.details.topology).toMatchObject({ degraded: true, mend: expect.any(Array) });
  });

  it('has a line for each change only', async () => {
    const before = lines.length;
    await found();
    await found();
    expect(lines.length).toBe(before);
  });

  it('is gone when it is taken away, and that is said; those of operators and those over exchanges are told from it', async () => {
    const before = lines.length;
    await Promise.all([
      take('all'),
      lay('users', { 'dead-letter-routing-key': 'elsewhere', 'max-length': 5 }, { pattern: '^holdfast\\.' }),
      lay('operators', { 'max-length': 3 }, { pattern: '^holdfast\\.delay', kind: 'operator-policies' }),
      lay('alternate', { 'alternate-exchange': 'amq.fanout' }, { applyTo: 'exchanges' }),
    ]);
    await eventually(async () => {
      expect(await found()).toEqual(
        [
          OF_BARE,
          `${TIER} refuses operators`,
          `${TIER} reroutes users`,
          'holdfast.unroutable drops users',
          'holdfast.dead reroutes alternate',
          `${TIER} reroutes alternate`,
          'holdfast.unroutable reroutes alternate',
        ].sort(),
      );
    }, TOLD_MS);
    expect(lines.slice(before)).toContainEqual(
      expect.objectContaining({
        level: 'log',
        text: expect.stringMatching(/policy "all" \(message-ttl 1000\): no longer: copies come back/),
      }),
    );
    expect((await series()).filter((line) => line.includes(queue))).toEqual([]);
  });

  it('stays reported while the management API is away, which is said; and what is true is found when it is back', async () => {
    await Promise.all([
      take('users'),
      take('alternate'),
      take('operators', 'operator-policies'),
      lay('short', { expires: 86_400_000 }, { pattern: `^${queue}$` }),
    ]);
    await eventually(async () => {
      expect(await found()).toEqual([OF_BARE, `${queue} deletes short`].sort());
    }, TOLD_MS);
    const { port } = new URL(proxy.url);
    proxy.judge = () => 'cut';
    expect(await found()).toEqual([OF_BARE, `${queue} deletes short`].sort());
    const { body } = await ready();
    expect(body.details.topology).toMatchObject({ policies: 'unreadable', degraded: true });
    expect(body.details.topology.reason).toContain(`http://127.0.0.1:${port}`);
    expect(await series()).toContain('holdfast_policies_readable 0');
    const away = lines.filter(({ fields }) => fields['state'] === 'unreadable');
    expect(away).toMatchObject([{ level: 'warn', text: expect.stringContaining('HOLDFAST_MANAGEMENT_URL') }]);
    await found();
    expect(lines.filter(({ fields }) => fields['state'] === 'unreadable')).toHaveLength(1);
    proxy.judge = () => 'forward';
    await found();
    expect((await ready()).body.details.topology.policies).toBe('read');
  });

  it('is looked for after each reconnect', async () => {
    await lay('short', { 'max-length': 5 }, { pattern: `^${queue}$` });
    await eventually(async () => {
      const path = `/queues/${encodeURIComponent(world.vhost.name)}/${queue}`;
      expect(await management('GET', path)).toMatchObject({
        effective_policy_definition: { 'max-length': 5 },
      });
    }, TOLD_MS);
    const opened = holdfast.events.next('findings.changed');
    wires.cut();
    expect(await opened).toMatchObject({ opened: [{ object: queue, kind: 'refuses', policy: 'short' }] });
  });

  it('does not keep the service from stopping while the management API is silent', async () => {
    const asked = new Promise<void>((resolve) => {
      proxy.judge = () => {
        resolve();
        return 'drop';
      };
    });
    const asking = holdfast.app.get(Inspection).inspect();
    await asked;
    const before = lines.length;
    const begun = performance.now();
    await holdfast.stop();
    expect(performance.now() - begun).toBeLessThan(4_000);
    await asking;
    const said = lines.slice(before).filter(({ fields }) => 'finding' in fields || 'objects' in fields);
    expect(said).toEqual([]);
    expect(lines.slice(before).filter(({ fields }) => fields['state'] === 'unreadable')).toEqual([]);
  });

  it('never costs a secret', () => {
    expect(JSON.stringify(lines)).not.toMatch(/guest:guest|nobody:nothing/);
  });
});
