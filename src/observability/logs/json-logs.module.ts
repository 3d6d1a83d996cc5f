import type { IncomingMessage, ServerResponse } from 'node:http';
import { randomUUID } from 'node:crypto';
import { type INestApplicationContext, Module, RequestMethod } from '@nestjs/common';
import { Logger, LoggerModule, type Params } from 'nestjs-pino';
import { destination, pino, stdTimeFunctions, type DestinationStream, type LoggerOptions } from 'pino';
import type { Options as HttpOptions } from 'pino-http';
import { configToken, type ServiceConfig } from '../../config/config.module';
import { errorFields } from './error-fields';
import { guardedLine } from './guarded-line';

/** Where lines go; tests put their own there. */
export const LOG_DESTINATION = Symbol('log destination');

/** A reader that stalls costs lines beyond this many bytes, never messages or memory. */
const MAX_BUFFERED_BYTES = 16 * 1024 * 1024;

@Module({
  providers: [{ provide: LOG_DESTINATION, useFactory: standardOutput }],
  exports: [LOG_DESTINATION],
})
class LogDestinationModule {}

/**
 * Nest's logger as pino: one JSON object a line on standard output, and a line for each HTTP request. Of the service only:
 * an adopter's app keeps the logger it has.
 */
@Module({
  imports: [
    LoggerModule.forRootAsync({
      imports: [LogDestinationModule],
      inject: [configToken('service'), LOG_DESTINATION],
      useFactory: jsonLogs,
    }),
  ],
})
export class JsonLogsModule {}

/** Makes pino the logger of the whole app, and lets out what was said while it was made (`bufferLogs`). */
export function logAsJson(app: INestApplicationContext): void {
  app.useLogger(app.get(Logger));
}

function jsonLogs({ logLevel }: ServiceConfig, sink: DestinationStream): Params {
  const logger = pino(pinoOptions(logLevel), {
    write: (line) => {
      sink.write(guardedLine(line));
    },
  });
  return {
    pinoHttp: { logger, ...httpOptions },
    forRoutes: [{ path: '{*path}', method: RequestMethod.ALL }],
  };
}

function pinoOptions(level: string): LoggerOptions {
  return {
    level,
    base: { service: 'holdfast', pid: process.pid },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: describeWithStack },
  };
}

const httpOptions: HttpOptions = {
  genReqId: requestId,
  quietReqLogger: true,
  autoLogging: { ignore: ({ url }) => isProbe(url ?? '') },
  customLogLevel: (_request, response, error) =>
    error || response.statusCode >= 500 ? 'error' : response.statusCode >= 400 ? 'warn' : 'info',
  customSuccessMessage: requestWords,
  customErrorMessage: requestWords,
  // pino-http makes an error up for each 5xx; the true one has a line already.
  customErrorObject: (_request, _response, _error, fields: Record<string, unknown>) => ({
    ...fields,
    err: undefined,
  }),
  // No headers, they carry keys; no query, it carries what operators search for in messages.
  serializers: {
    req: ({ id, method, url, remoteAddress }: Record<string, unknown>) => ({
      id,
      method,
      path: pathOf(url),
      remoteAddress,
    }),
    res: ({ statusCode }: { statusCode: unknown }) => ({ statusCode }),
  },
};

function standardOutput(): DestinationStream {
  // Asynchronous: a full pipe must not stop the process. pino writes out what is left when the process ends.
  return destination({ fd: 1, sync: false, maxLength: MAX_BUFFERED_BYTES });
}

function describeWithStack(error: Error): Record<string, string> {
  return errorFields(error, true);
}

/** The caller's own id, when it is one that can be told from forged text. */
function requestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{1,64}$/.test(given) ? given : randomUUID();
}

function requestWords(request: IncomingMessage, response: ServerResponse): string {
  return `${request.method ?? ''} ${pathOf(request.url)} ${String(response.statusCode)}`;
}

function pathOf(url: unknown): string {
  return typeof url === 'string' ? (url.split('?', 1)[0] ?? '') : '';
}

function isProbe(url: string): boolean {
  const path = pathOf(url);
  return path.startsWith('/health/') || path === '/metrics';
}
