/**
 * What a Postgres error says about whose fault it is. Codes: PostgreSQL manual, appendix A. TypeORM wraps the driver's
 * error, handlers wrap it again, so the chain of causes is followed.
 */
export type SqlFailure = 'infrastructure' | 'contention' | 'lock-timeout' | 'statement';

const CONTENTION = new Set(['40001', '40P01']);
/** Feature not supported; the routine tells that it is about a prepared statement whose result has changed. */
const NOT_SUPPORTED = '0A000';
const STALE_PLAN_ROUTINE = 'RevalidateCachedQuery';
const LOCK_TIMEOUT = '55P03';
/**
 * Connection lost or refused, too many connections, disk full, out of memory, read-only standby, shutting down, data corrupted.
 * Not 08P01, a wrong number of parameters, and not XX000, an error in a function: both are the statement's own.
 */
const INFRASTRUCTURE = /^(08(?!P01)...|53...|57P0[1-5]|25006|58...|XX00[12])$/;

/** @returns undefined when it is no Postgres error at all. */
export function classifySqlError(error: unknown): SqlFailure | undefined {
  const code = sqlStateOf(error);
  if (code === undefined) return undefined;
  if (CONTENTION.has(code) || isStalePlan(error)) return 'contention';
  if (code === LOCK_TIMEOUT) return 'lock-timeout';
  return INFRASTRUCTURE.test(code) ? 'infrastructure' : 'statement';
}

/** The table behind a prepared statement was altered: run again without its name, it succeeds. */
export function isStalePlan(error: unknown): boolean {
  const found = sqlErrorOf(error);
  return found?.code === NOT_SUPPORTED && found.routine === STALE_PLAN_ROUTINE;
}

/** The SQLSTATE of an error or of its causes, five characters; undefined when there is none. */
export function sqlStateOf(error: unknown): string | undefined {
  return sqlErrorOf(error)?.code;
}

function sqlErrorOf(error: unknown): { readonly code: string; readonly routine: unknown } | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; depth++) {
    const { code, severity, routine, driverError, cause } = at as Error &
      Record<'code' | 'severity' | 'routine' | 'driverError', unknown>;
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && typeof severity === 'string')
      return { code, routine };
    at = driverError instanceof Error && driverError !== at ? driverError : cause;
  }
  return undefined;
}
