import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import type { Delivery, Outcome } from '../../message/message.module';
import { endMessageSpan, startMessageSpan } from './message-span';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const traceparent = `00-${TRACE}-${SPAN}-01`;

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });

function spanOf(more: Partial<Delivery>, outcome: Outcome = { kind: 'completed' }, traceId = TRACE) {
  const delivery: Delivery = {
    queue: 'orders',
    exchange: 'shop',
    routingKey: 'order.created',
    properties: { correlationId: 'cart-1' },
    headers: {},
    body: Buffer.from('{}'),
    redelivered: false,
    viaRetry: false,
    attempt: 1,
    copyToken: undefined,
    delayLeftMs: 0,
    firstFailedAt: undefined,
    replay: undefined,
    receivedAt: performance.now() - 50,
    ...more,
  };
  exporter.reset();
  const span = startMessageSpan(provider.getTracer('test'), delivery);
  endMessageSpan(span, {
    delivery,
    outcome,
    transactionId: 'order-1',
    traceId,
    handler: 'Handlers.onOrder',
    durationMs: 50,
    acknowledged: true,
  });
  const [finished] = exporter.getFinishedSpans();
  if (!finished) throw new Error('no span was recorded');
  return finished;
}

describe('the span of a message', () => {
  afterAll(() => provider.shutdown());

  it('is named and described by the messaging conventions, from receiving to settling', () => {
    const span = spanOf({});
    expect(span).toMatchObject({ name: 'process orders', kind: SpanKind.CONSUMER });
    expect(span.attributes).toMatchObject({
      'messaging.system': 'rabbitmq',
      'messaging.operation.name': 'process',
      'messaging.destination.name': 'shop:order.created:orders',
      'messaging.rabbitmq.destination.routing_key': 'order.created',
      'messaging.message.id': 'order-1',
      'messaging.message.conversation_id': 'cart-1',
      'messaging.message.body.size': 2,
      'holdfast.attempt': 1,
      'holdfast.outcome': 'completed',
      'code.function.name': 'Handlers.onOrder',
    });
    expect(span.duration[0] + span.duration[1] / 1e9).toBeGreaterThan(0.045);
    expect(span.duration[0]).toBe(0);
  });

  it.each([
    ['', 'orders', 'orders'],
    ['shop', '', 'shop:orders'],
  ])('names the destination of exchange "%s" and key "%s" %s', (exchange, routingKey, name) => {
    expect(spanOf({ exchange, routingKey }).attributes['messaging.destination.name']).toBe(name);
  });

  it.each<[string, Partial<Delivery>, string | undefined, string[]]>([
    ['a first try is a child of the producer', { headers: { traceparent } }, SPAN, []],
    [
      'a later try has a trace of its own, linked',
      { headers: { traceparent }, attempt: 2 },
      undefined,
      [SPAN],
    ],
    ['so has a replay', { headers: { traceparent }, replay: 'r1' }, undefined, [SPAN]],
    ['a message without a trace begins one', { headers: {} }, undefined, []],
    ['nonsense is no trace', { headers: { traceparent: 'nonsense' } }, undefined, []],
  ])('%s', (_, delivery, parent, links) => {
    const span = spanOf(delivery);
    expect(span.parentSpanContext?.spanId).toBe(parent);
    expect(span.links.map(({ context }) => context.spanId)).toEqual(links);
    expect(span.spanContext().traceId === TRACE).toBe(parent !== undefined);
    expect(span.attributes['holdfast.trace_id']).toBe(parent === undefined ? TRACE : undefined);
  });

  it.each<[Outcome, SpanStatusCode]>([
    [{ kind: 'completed' }, SpanStatusCode.UNSET],
    [{ kind: 'duplicate' }, SpanStatusCode.UNSET],
    [{ kind: 'discard', reason: 'test' }, SpanStatusCode.UNSET],
    [{ kind: 'release', reason: 'database' }, SpanStatusCode.UNSET],
    [{ kind: 'retry', delayMs: 1, reason: 'TypeError' }, SpanStatusCode.ERROR],
    [{ kind: 'dead-letter', reason: 'malformed' }, SpanStatusCode.ERROR],
  ])('tells %j', (outcome, code) => {
    const span = spanOf({}, outcome);
    expect(span.status.code).toBe(code);
    expect(span.attributes['error.type']).toBe(
      code === SpanStatusCode.ERROR ? (outcome as { reason: string }).reason : undefined,
    );
  });
});
