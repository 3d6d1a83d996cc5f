import { STATUS_CODES } from 'node:http';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { databaseUnavailable, isDatabaseAway } from './database-away';
import { Problem } from './problem';

/**
 * Answers errors as problem+json (RFC 9457). What was not worded for a client stays in the log: an answer never
 * carries a stack, SQL or the name of a host. Synchronous on purpose: Nest takes an async filter for a success.
 */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('Api');

  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const problem = toProblem(error);
    if (problem.status >= 500) this.logger.error({ err: error, code: problem.code }, problem.message);
    const { httpAdapter } = this.adapterHost;
    const response = host.switchToHttp().getResponse<object>();
    // An answer that has begun cannot be taken back.
    if (httpAdapter.isHeadersSent(response)) return;
    httpAdapter.setHeader(response, 'Content-Type', 'application/problem+json; charset=utf-8');
    httpAdapter.setHeader(response, 'Cache-Control', 'no-store');
    for (const [name, value] of Object.entries(problem.headers)) httpAdapter.setHeader(response, name, value);
    // As text: Nest's Express adapter would take an object for a mistake and answer it as application/json.
    httpAdapter.reply(response, JSON.stringify(toBody(problem)), problem.status);
  }
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof HttpException) {
    const status = error.getStatus();
    if (status < 500) return new Problem(status, codeOf(status), error.message, { cause: error });
  }
  if (isClientError(error))
    return new Problem(error.status, codeOf(error.status), error.message, { cause: error });
  if (isDatabaseAway(error)) return databaseUnavailable(error);
  return new Problem(500, 'internal-error', 'Something went wrong on the server; its log says what.', {
    cause: error,
  });
}

/** What Express and its body parser throw; `expose` says that the message is meant for the client. */
function isClientError(error: unknown): error is Error & { status: number } {
  if (!(error instanceof Error)) return false;
  const { status, expose } = error as { status?: unknown; expose?: unknown };
  return expose === true && typeof status === 'number' && status >= 400 && status < 500;
}

function codeOf(status: number): string {
  return (STATUS_CODES[status] ?? 'error').toLowerCase().replaceAll(/[^a-z]+/g, '-');
}

function toBody(problem: Problem): object {
  return {
    type: `urn:holdfast:problem:${problem.code}`,
    title: STATUS_CODES[problem.status] ?? 'Error',
    status: problem.status,
    code: problem.code,
    detail: problem.message,
    ...(problem.issues && { issues: problem.issues }),
  };
}
