import { Module } from '@nestjs/common';
import { ApiKeys } from './api-keys';
import { FailureLimit } from './failure-limit';
import { IdempotentRequests } from './idempotency-key.store';

const failureLimit = { provide: FailureLimit, useFactory: () => new FailureLimit() };

@Module({
  providers: [ApiKeys, failureLimit, IdempotentRequests],
  exports: [ApiKeys, FailureLimit, IdempotentRequests],
})
export class AccessModule {}

export type { Caller } from './api-keys';
export { CurrentKey } from './current-key';
export { HoldfastController, OpenController } from './holdfast-controller';
export { isDeeperThan } from './json-depth';
export { IDEMPOTENCY_KEY_HEADER, openApiSchema, problemResponse } from './openapi';
export { Problem, type Issue } from './problem';
export { ProblemFilter } from './problem.filter';
export { Open, RequireRole } from './roles';
export { ZodBody } from './zod-body';
