import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import {
  type BrokerConfig,
  configToken,
  type DatabaseConfig,
  EnvironmentError,
  maskSecret,
  type ServiceConfig,
} from './config/config.module';
import { HandlerLoadError } from './handlers/loading/handler-load-error';
import { HandlerConfigurationError } from './registration/registration.module';
import { createService } from './service';

/** Their messages are written for whoever starts the service; a stack would only hide them. */
const READABLE = [EnvironmentError, HandlerLoadError, HandlerConfigurationError];
/** A terminal signals the whole group and npm passes it on once more: that is one wish, not two. */
const SAME_WISH_MS = 1_000;
/** What may follow after the grace: giving messages back and closing connections. */
const CLOSING_MS = 10_000;

async function main(): Promise<void> {
  const app = await createService(process.env);
  const service = app.get<ServiceConfig>(configToken('service'));
  stopOnSignals(app, service.shutdownGraceMs);
  await app.startAllMicroservices();
  await app.listen(service.port);
  new Logger('Service').log(await addresses(app));
}

async function addresses(app: NestExpressApplication): Promise<string> {
  const { port } = new URL(await app.getUrl());
  const { urls } = app.get<BrokerConfig>(configToken('broker'));
  const { url } = app.get<DatabaseConfig>(configToken('database'));
  const { apiDocs } = app.get<ServiceConfig>(configToken('service'));
  const http = `http://localhost:${port}`;
  const paths = [`${http}/health/ready`, `${http}/metrics`, ...(apiDocs ? [`${http}/api/docs`] : [])];
  return `listening: ${paths.join(' ')}, broker ${urls.map(maskSecret).join(' ')}, database ${maskSecret(url)}`;
}

/** The first signal stops the service in order and ends it with 0; a second one, or a shutdown that hangs, ends it at once with 1. */
function stopOnSignals(app: NestExpressApplication, graceMs: number): void {
  let askedAt: number | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    const now = performance.now();
    if (askedAt !== undefined && now - askedAt > SAME_WISH_MS) exitAtOnce(`${signal} again`);
    if (askedAt !== undefined) return;
    askedAt = now;
    setTimeout(() => {
      exitAtOnce(`the shutdown took longer than ${graceMs + CLOSING_MS} ms`);
    }, graceMs + CLOSING_MS);
    // Not Nest's own hooks: they end a process by its signal, and a stop in order is no failure.
    new Logger('Service').log(`${signal}: stopping in order`);
    app.close().then(
      () => process.exit(0),
      (error: unknown) => {
        exitAtOnce(`the shutdown failed: ${wordsOf(error)}`);
      },
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, onSignal);
}

function exitAtOnce(reason: string): never {
  process.stderr.write(`${reason}: stopping at once; the broker delivers again what was not finished\n`);
  process.exit(1);
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (READABLE.some((readable) => error instanceof readable)) return error.message;
  const { code, port } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE')
    return `port ${String(port)} is in use; set PORT to another one, or stop what listens there`;
  if (code === 'EACCES' && port !== undefined)
    return `port ${port} needs more rights; set PORT to one above 1023`;
  // A provider without what it injects: Nest names both and the mends.
  if (error.name === 'UnknownDependenciesException') return error.message;
  return error.stack ?? error.message;
}

main().catch((error: unknown) => {
  process.stderr.write(`Holdfast cannot start: ${wordsOf(error)}\n`);
  process.exit(1);
});
