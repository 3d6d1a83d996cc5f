import { Body, Get, HttpCode, Param, Post } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiBody,
  ApiHeader,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
} from '@nestjs/swagger';
import { z } from 'zod';
import {
  type Caller,
  CurrentKey,
  HoldfastController,
  IDEMPOTENCY_KEY_HEADER,
  openApiSchema,
  Problem,
  problemResponse,
  RequireRole,
  ZodBody,
} from '../access/access.module';
import type { ConsumerStatus } from './consumer-status';
import { consumerStatusSchema } from './consumer-status.schema';
import { Consumers, UnknownConsumerError } from './consumers';

const pauseSchema = z.strictObject({
  reason: z
    .string()
    .trim()
    .min(1)
    .max(500)
    .optional()
    .describe('Shown to whoever wonders why it stands still.'),
});
const ONE = {
  description: 'The consumer as it is now.',
  schema: openApiSchema(consumerStatusSchema, 'output'),
};
const ALL = {
  description: 'All consumers of this process.',
  schema: openApiSchema(z.array(consumerStatusSchema), 'output'),
};
const UNKNOWN = problemResponse('No consumer of this name.');

@HoldfastController('api/v1/consumers', 'consumers')
export class ConsumersController {
  constructor(private readonly consumers: Consumers) {}

  @Get()
  @RequireRole('viewer')
  @ApiOperation({ summary: 'All consumers and their states' })
  @ApiOkResponse(ALL)
  list(): ConsumerStatus[] {
    return this.consumers.list();
  }

  @Get(':queue')
  @RequireRole('viewer')
  @ApiOperation({ summary: 'One consumer' })
  @ApiOkResponse(ONE)
  @ApiNotFoundResponse(UNKNOWN)
  get(@Param('queue') queue: string): Promise<ConsumerStatus> {
    return known(() => this.consumers.get(queue));
  }

  @Post(':queue/pause')
  @HttpCode(200)
  @RequireRole('operator')
  @ApiOperation({
    summary: 'Stops consuming a queue',
    description:
      'What runs is finished. The pause is stored: it holds on every replica and over restarts until somebody resumes.',
  })
  @ApiHeader(IDEMPOTENCY_KEY_HEADER)
  @ApiBody({ schema: openApiSchema(pauseSchema), required: false })
  @ApiOkResponse(ONE)
  @ApiBadRequestResponse(problemResponse('The body is not as described.'))
  @ApiNotFoundResponse(UNKNOWN)
  pause(
    @Param('queue') queue: string,
    @Body(new ZodBody(pauseSchema)) { reason }: z.output<typeof pauseSchema>,
    @CurrentKey() caller: Caller,
  ): Promise<ConsumerStatus> {
    return known(() =>
      this.consumers.pause(queue, { by: caller.name, ...(reason !== undefined && { reason }) }),
    );
  }

  @Post(':queue/resume')
  @HttpCode(200)
  @RequireRole('operator')
  @ApiOperation({ summary: 'Ends a pause, on every replica' })
  @ApiHeader(IDEMPOTENCY_KEY_HEADER)
  @ApiOkResponse(ONE)
  @ApiNotFoundResponse(UNKNOWN)
  resume(
    @Param('queue') queue: string,
    @Body(new ZodBody(z.strictObject({}))) _body: object,
    @CurrentKey() caller: Caller,
  ): Promise<ConsumerStatus> {
    return known(() => this.consumers.resume(queue, { by: caller.name }));
  }
}

async function known<Answer>(action: () => Answer | Promise<Answer>): Promise<Answer> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof UnknownConsumerError)) throw error;
    throw new Problem(404, 'consumer-unknown', error.message, { cause: error });
  }
}
