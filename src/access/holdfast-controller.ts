import { applyDecorators, Controller, UseFilters, UseGuards, UseInterceptors } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiExtraModels,
  ApiTags,
  ApiTooManyRequestsResponse,
  ApiUnauthorizedResponse,
} from '@nestjs/swagger';
import { AccessGuard } from './access.guard';
import { IdempotencyKeyInterceptor } from './idempotency-key.interceptor';
import { HoldfastProblem, problemResponse } from './openapi';
import { ProblemFilter } from './problem.filter';

/**
 * A controller of Holdfast's admin API. Guard, filter and interceptor are bound to it and not to the application:
 * imported as a library, Holdfast leaves the adopter's own routes alone. Its module imports `AccessModule`.
 */
export function HoldfastController(path: string, tag: string): ClassDecorator {
  return applyDecorators(
    Controller(path),
    UseGuards(AccessGuard),
    UseFilters(ProblemFilter),
    UseInterceptors(IdempotencyKeyInterceptor),
    ApiTags(tag),
    ApiBearerAuth('key'),
    ApiExtraModels(HoldfastProblem),
    ApiUnauthorizedResponse(problemResponse('No key, an unknown one, or none is configured.')),
    ApiTooManyRequestsResponse(problemResponse('Too many wrong keys from this address.')),
  );
}

/** As `HoldfastController`, for routes outside the admin API that are open: probes and metrics. */
export function OpenController(path: string): ClassDecorator {
  return applyDecorators(Controller(path), UseGuards(AccessGuard), UseFilters(ProblemFilter));
}
