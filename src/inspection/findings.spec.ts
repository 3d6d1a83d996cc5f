import { EventBus, type Finding, type HoldfastEvents } from '../message/message.module';
import { Findings } from './findings';

const finding = (object: string, more: Partial<Finding> = {}): Finding => ({
  object,
  kind: 'expires',
  policy: 'all',
  key: 'message-ttl',
  value: 5,
  effect: 'does harm',
  mend: 'mend it',
  ...more,
});

describe('Findings', () => {
  const events = new EventBus();
  const findings = new Findings(events);
  const changes: HoldfastEvents['findings.changed'][] = [];
  events.on('findings.changed', (change) => changes.push(change));
  beforeEach(() => changes.splice(0));

  it('tell what is new and what is gone, once', () => {
    const [a, b] = [finding('a'), finding('b')];
    findings.replace([a]);
    findings.replace([{ ...a }]);
    findings.replace([b]);
    findings.replace([]);
    findings.replace([]);
    expect(changes).toEqual([
      { opened: [a], closed: [] },
      { opened: [b], closed: [a] },
      { opened: [], closed: [b] },
    ]);
  });

  it('tell of another value as of something new', () => {
    findings.replace([finding('a')]);
    findings.replace([finding('a', { value: 6 })]);
    expect(changes[1]).toMatchObject({ opened: [{ value: 6 }], closed: [{ value: 5 }] });
  });

  it('are known by their objects', () => {
    findings.replace([finding('a'), finding('a.dlq'), finding('b')]);
    expect(findings.of('a', 'a.dlq').map(({ object }) => object)).toEqual(['a', 'a.dlq']);
    expect(findings.list()).toHaveLength(3);
  });
});
