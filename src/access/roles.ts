import { applyDecorators, type CustomDecorator, SetMetadata } from '@nestjs/common';
import { ApiExtension, ApiForbiddenResponse } from '@nestjs/swagger';
import { ROLES, type Role } from '../config/config.module';
import { problemResponse } from './openapi';

const ACCESS = 'holdfast:access';

/** What a route asks of its caller. */
export type AccessRule =
  | { readonly kind: 'role'; readonly role: Role }
  | { readonly kind: 'open'; readonly unless: 'metricsRequireKey' | undefined };

/** Only callers with this role, or one above it, get through. A route with neither this nor `@Open()` is refused to all. */
export function RequireRole(role: Role): MethodDecorator & ClassDecorator {
  return applyDecorators(
    setRule({ kind: 'role', role }),
    ApiExtension('x-required-role', role),
    ApiForbiddenResponse(problemResponse(`The key has a lower role than \`${role}\`.`)),
  );
}

/** Everybody gets through, without a key; `unless` names the setting that asks for one (of any role) after all. */
export function Open(options: { unless?: 'metricsRequireKey' } = {}): MethodDecorator & ClassDecorator {
  return setRule({ kind: 'open', unless: options.unless });
}

export function isAtLeast(role: Role, required: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(required);
}

function setRule(rule: AccessRule): CustomDecorator {
  return SetMetadata(ACCESS, rule);
}

export { ACCESS as ACCESS_METADATA };
