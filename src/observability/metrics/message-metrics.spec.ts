import { Counter, Histogram, Registry } from 'prom-client';
import {
  EventBus,
  HandlerTimeoutError,
  RetryLater,
  type Delivery,
  type Outcome,
} from '../../message/message.module';
import { MessageMetrics } from './message-metrics';

describe('MessageMetrics', () => {
  const events = new EventBus();
  const registry = new Registry();
  const registers = [registry];
  const metrics = new MessageMetrics(
    events,
    new Counter({ name: 'holdfast_messages_total', help: '-', labelNames: ['queue', 'outcome'], registers }),
    new Counter({ name: 'holdfast_retries_total', help: '-', labelNames: ['queue', 'reason'], registers }),
    new Histogram({ name: 'holdfast_processing_seconds', help: '-', labelNames: ['queue'], registers }),
  );
  metrics.onModuleInit();

  const settle = (queue: string, outcome: Outcome, durationMs = 20): void => {
    const delivery = { queue, attempt: 1 } as Delivery;
    events.emit('message.settled', {
      delivery,
      outcome,
      transactionId: 'order-1',
      traceId: 'trace-1',
      handler: 'Handlers.onOrder',
      durationMs,
      acknowledged: true,
    });
  };
  const sample = async (line: string): Promise<string | undefined> =>
    (await registry.metrics()).split('\n').find((text) => text.startsWith(`${line} `));

  it('begins every series of a queue at 0', async () => {
    metrics.introduce('quiet');
    expect(await sample('holdfast_messages_total{queue="quiet",outcome="dead-letter"}')).toMatch(/ 0$/);
    expect(await sample('holdfast_retries_total{queue="quiet",reason="timeout"}')).toMatch(/ 0$/);
    expect(await sample('holdfast_processing_seconds_count{queue="quiet"}')).toMatch(/ 0$/);
  });

  it('counts outcomes and times them in seconds', async () => {
    settle('orders', { kind: 'completed' });
    settle('orders', { kind: 'completed' }, 2_000);
    expect(await sample('holdfast_messages_total{queue="orders",outcome="completed"}')).toMatch(/ 2$/);
    expect(await sample('holdfast_processing_seconds_sum{queue="orders"}')).toMatch(/ 2\.02$/);
    expect(await sample('holdfast_processing_seconds_bucket{le="0.025",queue="orders"}')).toMatch(/ 1$/);
  });

  it('does not time what was given back to the broker', async () => {
    settle('released', { kind: 'release', reason: 'database' });
    expect(await sample('holdfast_messages_total{queue="released",outcome="release"}')).toMatch(/ 1$/);
    expect(await sample('holdfast_processing_seconds_count{queue="released"}')).toMatch(/ 0$/);
  });

  it.each([
    ['error', new Error('order 4711 failed')],
    ['error', 'thrown text'],
    ['timeout', new HandlerTimeoutError(20_000)],
    ['retry-later', new RetryLater('10m')],
  ])('counts a retry as %s', async (reason, error) => {
    settle('retried', { kind: 'retry', delayMs: 1, reason: 'whatever 4711', error });
    expect(await sample(`holdfast_retries_total{queue="retried",reason="${reason}"}`)).not.toMatch(/ 0$/);
  });

  it('never carries an id or the text of an error', async () => {
    expect(await registry.metrics()).not.toMatch(/4711|order-1|trace-1|thrown text/);
  });
});
