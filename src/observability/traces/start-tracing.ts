import { context, propagation, trace } from '@opentelemetry/api';

/** Flushes what is recorded and stops. */
export type StopTracing = () => Promise<void>;

/**
 * Registers an OpenTelemetry SDK that sends traces over OTLP/HTTP when the environment names where to, by
 * `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`; otherwise nothing is loaded. The SDK reads the other
 * `OTEL_*` variables itself: name, sampler, headers, batches. An SDK that somebody else has registered is left alone: that of an
 * adopter's app, or one loaded by `node --require`.
 */
export async function startTracing(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<StopTracing> {
  const endpoint =
    environment['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] ?? environment['OTEL_EXPORTER_OTLP_ENDPOINT'];
  const isOff = environment['OTEL_SDK_DISABLED'] === 'true' || environment['OTEL_TRACES_EXPORTER'] === 'none';
  if (!endpoint || isOff) return () => Promise.resolve();
  const [{ BatchSpanProcessor, NodeTracerProvider }, { OTLPTraceExporter }, resources] = await Promise.all([
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  const provider = new NodeTracerProvider({
    resource: resources
      .resourceFromAttributes({ 'service.name': 'holdfast' })
      // Last, because it wins: OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES.
      .merge(resources.detectResources({ detectors: [resources.envDetector, resources.hostDetector] })),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  provider.register();
  return async () => {
    await provider.shutdown();
    // For the next application in this process.
    trace.disable();
    context.disable();
    propagation.disable();
  };
}
