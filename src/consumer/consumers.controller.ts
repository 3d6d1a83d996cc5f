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
import { Consumers } from './consumers';

const pauseSchema = z.strictObject({
  reason: z
    .string()
    .trim()
    .min(1)
    .max(500)
    .optional()
    .describe('Shown to whoever wonders why it stands still.'),
});
const resumeSchema = z.strictObject({});
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
  get(@Param('queue') queue: string): ConsumerStatus {
    return this.find(queue);
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
  async pause(
    @Param('queue') queue: string,
    @Body(new ZodBody(pauseSchema)) { reason }: z.output<typeof pauseSchema>,
    @CurrentKey() caller: Caller,
  ): Promise<ConsumerStatus> {
    this.find(queue);
    await this.consumers.pause(queue, { by: caller.name, reason });
    return this.find(queue);
  }

  @Post(':queue/resume')
  @HttpCode(200)
  @RequireRole('operator')
  @ApiOperation({ summary: 'Ends a pause, on every replica' })
  @ApiHeader(IDEMPOTENCY_KEY_HEADER)
  @ApiOkResponse(ONE)
  @ApiNotFoundResponse(UNKNOWN)
  async resume(
    @Param('queue') queue: string,
    @Body(new ZodBody(resumeSchema)) _: object,
    @CurrentKey() caller: Caller,
  ): Promise<ConsumerStatus> {
    this.find(queue);
    await this.consumers.resume(queue, { by: caller.name });
    return this.find(queue);
  }

  private find(queue: string): ConsumerStatus {
    const status = this.consumers.get(queue);
    if (status) return status;
    const known = this.consumers.list().map((consumer) => consumer.queue);
    throw new Problem(
      404,
      'consumer-unknown',
      `There is no consumer of a queue ${JSON.stringify(queue)}. ${known.length > 0 ? `There are: ${known.join(', ')}.` : 'There are none.'}`,
    );
  }
}
