import { context, trace, type Span } from '@opentelemetry/api';
import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import {
  EventBus,
  type Delivery,
  type MiddlewareContext,
  type MiddlewareHandler,
  type Next,
} from '../../message/message.module';
import { MessageMiddleware } from '../../middleware/middleware.module';
import { endMessageSpan, startMessageSpan } from './message-span';

/** Outside everything that is somebody's work: what they do is inside the span. */
const OUTERMOST = 1;

/**
 * One span for each delivery, and around the handler, so that spans of database and HTTP libraries become its children. With no
 * OpenTelemetry SDK registered nothing is recorded, and it costs next to nothing.
 */
@MessageMiddleware({ order: OUTERMOST, optional: true })
export class MessageTracing implements MiddlewareHandler, OnModuleInit, OnApplicationShutdown {
  private readonly tracer = trace.getTracer('holdfast');
  private readonly spans = new WeakMap<Delivery, Span>();
  private listeners: (() => void)[] = [];

  constructor(private readonly events: EventBus) {}

  onModuleInit(): void {
    this.listeners = [
      this.events.on('message.received', ({ delivery }) => {
        const span = startMessageSpan(this.tracer, delivery);
        if (span.isRecording()) this.spans.set(delivery, span);
      }),
      this.events.on('message.settled', (event) => {
        const span = this.spans.get(event.delivery);
        if (span) endMessageSpan(span, event);
      }),
    ];
  }

  onApplicationShutdown(): void {
    for (const off of this.listeners.splice(0)) off();
  }

  use({ delivery }: MiddlewareContext, next: Next): Promise<void> {
    const span = this.spans.get(delivery);
    return span ? context.with(trace.setSpan(context.active(), span), next) : next();
  }
}
