import { Body, Get, Headers, HttpCode, Param, Post } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBadRequestResponse,
  ApiBody,
  ApiHeader,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiServiceUnavailableResponse,
} from '@nestjs/swagger';
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
import { InboxStore } from '../idempotency/idempotency.module';
import { formatTraceparent, parseTraceparent } from '../message/message.module';
import { Intake } from './intake';
import {
  type Accepted,
  acceptedSchema,
  type ProcessRequest,
  processRequestSchema,
  transactionIdSchema,
} from './process-request';
import { type MessageHistory, messageHistorySchema, tellHistory } from './timeline';
import { newTransactionId, transactionIdFor } from './transaction-id';

@HoldfastController('api/v1/messages', 'messages')
export class MessagesController {
  constructor(
    private readonly intake: Intake,
    private readonly inbox: InboxStore,
  ) {}

  @Post('process')
  @HttpCode(202)
  @RequireRole('operator')
  @ApiOperation({
    summary: 'Sends a message to its handler',
    description:
      'Checked by the schema of its handler, then published to its queue like the message of any producer.',
  })
  @ApiHeader(IDEMPOTENCY_KEY_HEADER)
  @ApiBody({ schema: openApiSchema(processRequestSchema) })
  @ApiAcceptedResponse({
    description: 'The broker has the message.',
    schema: openApiSchema(acceptedSchema, 'output'),
  })
  @ApiBadRequestResponse(
    problemResponse('Unknown or ambiguous type, or a payload its handler would not take.'),
  )
  @ApiServiceUnavailableResponse(
    problemResponse('The broker has not confirmed the message. Send it again with the same id.'),
  )
  process(
    @Body(new ZodBody(processRequestSchema)) request: ProcessRequest,
    @CurrentKey() caller: Caller,
    @Headers('idempotency-key') key?: string,
    @Headers('traceparent') traceparent?: string,
  ): Promise<Accepted> {
    const trace = parseTraceparent(traceparent);
    return this.intake.accept(request, {
      newId: () => (key === undefined ? newTransactionId() : transactionIdFor(caller.name, key)),
      traceparent: trace && formatTraceparent(trace),
    });
  }

  @Get(':transactionId')
  @RequireRole('viewer')
  @ApiOperation({ summary: 'Everything known about a message' })
  @ApiOkResponse({
    description: 'Its state at each consumer and its timeline.',
    schema: openApiSchema(messageHistorySchema, 'output'),
  })
  @ApiNotFoundResponse(
    problemResponse('No consumer has handled it, or it was forgotten after the retention.'),
  )
  async history(@Param('transactionId') transactionId: string): Promise<MessageHistory> {
    const isId = transactionIdSchema.safeParse(transactionId).success;
    const rows = isId ? await this.inbox.findByTransactionId(transactionId) : [];
    if (rows.length > 0) return tellHistory(transactionId, rows);
    throw new Problem(
      404,
      'message-unknown',
      'Nothing is known of this transaction id: no consumer has handled it yet, or it was forgotten after the retention.',
    );
  }
}
