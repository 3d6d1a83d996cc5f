import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { type AccessConfig, InjectConfig } from '../config/config.module';
import { ApiKeys, type Caller } from './api-keys';
import { type CallerRequest, setCaller } from './current-key';
import { FailureLimit } from './failure-limit';
import { Problem } from './problem';
import { ACCESS_METADATA, type AccessRule, isAtLeast } from './roles';

/** Lets a request through when its key has the role the route asks for. A route that asks for nothing is closed. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly keys: ApiKeys,
    private readonly failures: FailureLimit,
    @InjectConfig('access') private readonly config: AccessConfig,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const rule = this.reflector.getAllAndOverride<AccessRule | undefined>(ACCESS_METADATA, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (rule?.kind === 'open' && !(rule.unless && this.config[rule.unless])) return true;
    const request = context.switchToHttp().getRequest<CallerRequest>();
    const caller = this.authenticate(request);
    setCaller(request, caller);
    if (!rule) throw new Problem(403, 'route-without-role', 'No role may call this route.');
    if (rule.kind === 'role' && !isAtLeast(caller.role, rule.role)) {
      throw new Problem(
        403,
        'role-too-low',
        `This needs the role ${rule.role}; the key has the role ${caller.role}.`,
      );
    }
    return true;
  }

  private authenticate(request: CallerRequest): Caller {
    if (this.keys.isEmpty) {
      throw unauthorized(
        'no-key-configured',
        'No key is configured: set HOLDFAST_API_KEYS (name:role:secret) to use this API.',
      );
    }
    const address = request.ip ?? '';
    // Before looking at the key: a source that guesses must not learn that a guess was right.
    const wait = this.failures.secondsToWait(address);
    if (wait > 0) {
      throw new Problem(
        429,
        'too-many-failures',
        `Too many wrong keys from this address. Try again in ${String(wait)} s.`,
        {
          headers: { 'Retry-After': String(wait) },
        },
      );
    }
    const secret = /^Bearer +([^\s]+) *$/i.exec(request.headers.authorization ?? '')?.[1];
    if (secret === undefined) {
      throw unauthorized('key-missing', 'Send a key as "Authorization: Bearer <secret>".');
    }
    const caller = this.keys.find(secret);
    if (caller) return caller;
    this.failures.add(address);
    throw unauthorized('key-unknown', 'This key is not known.', 'error="invalid_token"');
  }
}

function unauthorized(code: string, detail: string, ...parameters: string[]): Problem {
  const challenge = ['Bearer realm="holdfast"', ...parameters].join(', ');
  return new Problem(401, code, detail, { headers: { 'WWW-Authenticate': challenge } });
}
