import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { eventually } from '../support/eventually';
import { aQueue, World } from '../support/holdfast';
import { evaluate } from '../support/script-module';
import { repositoryRoot } from '../support/servers';

const queue = aQueue('orders');
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

/** A handler module as an image derived from ours has it. */
const HANDLERS = `
const { trace } = require('@opentelemetry/api');
const { ReliableConsumer } = require('holdfast');

class Orders {
  async onOrder(order, { attempt }) {
    // As the instrumentation of a database or HTTP library would.
    trace.getTracer('library').startSpan('call downstream').end();
    if (attempt === 1) throw new TypeError('downstream answered 503');
  }
}
const method = Object.getOwnPropertyDescriptor(Orders.prototype, 'onOrder');
ReliableConsumer({ queue: '${queue}', retry: { delays: ['10ms'] } })(Orders.prototype, 'onOrder', method);
exports.Orders = Orders;
`;

interface Span {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  links?: { traceId: string; spanId: string }[];
  status: { code?: number };
}

interface TraceRequest {
  resourceSpans: {
    resource: { attributes: { key: string; value: { stringValue?: string } }[] };
    scopeSpans: { spans: Span[] }[];
  }[];
}

describe('a trace', () => {
  const requests: { path: string | undefined; body: TraceRequest }[] = [];
  let collector: Server;
  let world: World;
  let folder: string;
  let output = '';
  let service: ChildProcess;

  const spans = (name: string): Span[] =>
    requests
      .flatMap(({ body }) => body.resourceSpans)
      .flatMap(({ scopeSpans }) => scopeSpans)
      .flatMap((scope) => scope.spans)
      .filter((span) => span.name === name);

  beforeAll(async () => {
    collector = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        requests.push({
          path: request.url,
          body: JSON.parse(Buffer.concat(chunks).toString()) as TraceRequest,
        });
        response.setHeader('content-type', 'application/json').end('{}');
      });
    });
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
    await evaluate('setup/build.mjs', 'it.ensureBuild({ log: () => undefined })');
    // Inside the checkout, where `holdfast` and what it depends on can be required.
    mkdirSync(join(repositoryRoot, '.holdfast'), { recursive: true });
    folder = mkdtempSync(join(repositoryRoot, '.holdfast', 'handlers-'));
    writeFileSync(join(folder, 'orders.js'), HANDLERS);
    world = await World.create();
    // The service itself, in a process of its own: jest cannot load the exporter.
    service = spawn(process.execPath, [join(repositoryRoot, 'dist', 'main.js')], {
      env: {
        ...process.env,
        ...world.environment,
        HOLDFAST_HANDLERS: folder,
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
        OTEL_SERVICE_NAME: 'orders-service',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    service.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const ended = once(service, 'exit');
    await eventually(() => {
      expect(output).toContain('"state":"running"');
    }, 30_000);
    await world.broker.send(queue, 't-1', {}, { headers: { traceparent: `00-${TRACE}-${SPAN}-01` } });
    await eventually(() => {
      expect(output).toContain('"outcome":"completed"');
    }, 30_000);
    service.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });
  afterAll(async () => {
    service.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
    await world.remove();
    await new Promise((resolve) => collector.close(resolve));
  });

  it('is sent to the collector that the environment names, under the name it names, before the service ends', () => {
    expect(requests.map(({ path }) => path)).toContain('/v1/traces');
    const resource = requests[0]?.body.resourceSpans[0]?.resource.attributes;
    expect(resource).toContainEqual({ key: 'service.name', value: { stringValue: 'orders-service' } });
  });

  it('goes on from the producer in the first try, which it shows as failed', () => {
    const first = spans(`process ${queue}`).find(({ traceId }) => traceId === TRACE);
    expect(first).toMatchObject({ parentSpanId: SPAN, status: { code: 2 } });
  });

  it('begins anew in the second try, linked to the producer', () => {
    const second = spans(`process ${queue}`).find(({ traceId }) => traceId !== TRACE);
    expect(second?.parentSpanId).toBeFalsy();
    expect(second?.links).toMatchObject([{ traceId: TRACE, spanId: SPAN }]);
  });

  it('holds what libraries record while the handler runs', () => {
    const tries = spans(`process ${queue}`).map(({ spanId }) => spanId);
    expect(tries).toHaveLength(2);
    expect(spans('call downstream').map(({ parentSpanId }) => parentSpanId)).toEqual(tries);
  });

  it('is named in the lines of the log, every one of which is JSON', () => {
    const lines = output
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const settled = lines.filter(
      ({ transactionId, outcome }) => transactionId === 't-1' && outcome !== undefined,
    );
    expect(settled).toMatchObject([
      { outcome: 'retry', traceId: TRACE },
      { outcome: 'completed', traceId: TRACE },
    ]);
  });
});
