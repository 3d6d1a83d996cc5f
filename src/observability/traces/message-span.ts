import {
  createTraceState,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
  type Link,
  type Span,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api';
import { parseTraceparent, type Delivery, type HoldfastEvents } from '../../message/message.module';

/** Begins the span of one delivery, named and described as OpenTelemetry's messaging conventions say. */
export function startMessageSpan(tracer: Tracer, delivery: Delivery): Span {
  const producer = producerContext(delivery);
  const isFirst = delivery.attempt === 1 && delivery.replay === undefined;
  // A first try belongs to the producer's trace. A later one may run days after it: a trace of its own, linked.
  const parent: Context = producer && isFirst ? trace.setSpanContext(ROOT_CONTEXT, producer) : ROOT_CONTEXT;
  const links: Link[] = producer && !isFirst ? [{ context: producer }] : [];
  const startTime = performance.timeOrigin + delivery.receivedAt;
  const attributes = describe(delivery);
  return tracer.startSpan(
    `process ${delivery.queue}`,
    { kind: SpanKind.CONSUMER, startTime, attributes, links },
    parent,
  );
}

/** Ends it with what became of the message. */
export function endMessageSpan(span: Span, event: HoldfastEvents['message.settled']): void {
  const { outcome, transactionId, traceId, handler } = event;
  span.setAttribute('holdfast.outcome', outcome.kind);
  if (transactionId !== undefined) span.setAttribute('messaging.message.id', transactionId.slice(0, 512));
  if (handler !== undefined) span.setAttribute('code.function.name', handler);
  // What the log calls this message by, where the span could not be part of that trace.
  if (span.spanContext().traceId !== traceId) span.setAttribute('holdfast.trace_id', traceId);
  if (outcome.kind === 'retry' || outcome.kind === 'dead-letter') {
    span.setAttribute('error.type', outcome.reason);
    span.setStatus({ code: SpanStatusCode.ERROR, message: outcome.reason });
  } else if ('reason' in outcome) {
    span.setAttribute('holdfast.reason', outcome.reason);
  }
  span.end();
}

function describe({
  queue,
  exchange,
  routingKey,
  attempt,
  body,
  properties,
  redelivered,
}: Delivery): Attributes {
  return {
    'messaging.system': 'rabbitmq',
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.destination.name': destinationName(exchange, routingKey, queue),
    'messaging.rabbitmq.destination.routing_key': routingKey,
    'messaging.message.body.size': body.length,
    'holdfast.attempt': attempt,
    'holdfast.redelivered': redelivered,
    ...(properties.correlationId !== undefined && {
      'messaging.message.conversation_id': properties.correlationId,
    }),
  };
}

/** `{exchange}:{routing key}:{queue}` without empty parts, and without naming one twice. */
function destinationName(...parts: string[]): string {
  return [...new Set(parts)].filter((part) => part !== '').join(':');
}

function producerContext({ headers }: Delivery): SpanContext | undefined {
  const context = parseTraceparent(headers['traceparent']);
  if (!context) return undefined;
  const state = headers['tracestate'];
  return {
    traceId: context.traceId,
    spanId: context.spanId,
    traceFlags: context.sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
    ...(typeof state === 'string' && { traceState: createTraceState(state) }),
  };
}
