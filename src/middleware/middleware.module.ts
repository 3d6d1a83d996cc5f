/** No module class: nothing here is injected. Built-ins are made per consumer, users' classes are providers of their own modules. */

export { assertAuthentication, createAuthenticate, type Authentication } from './authenticate';
export { signMessage, type HmacAlgorithm, type HmacOptions, type SignOptions } from './hmac';
export type { JwtAlgorithm, JwtOptions } from './jwt';
export type { PayloadClass } from './class-schema';
export { createDecode, type DecodeLimits } from './decode';
export {
  MessageMiddleware,
  MIDDLEWARE_ORDER,
  middlewareBeyond,
  readMessageMiddleware,
  type MessageMiddlewareMetadata,
  type MessageMiddlewareOptions,
} from './message-middleware.decorator';
export {
  arrange,
  asMiddleware,
  compose,
  type Last,
  type Middleware,
  type OrderedMiddleware,
} from './middleware-chain';
export type { StandardSchema } from './standard-schema';
export { createValidate, validatePayload, type MessageSchema } from './validate';
export type { Issue, Validation } from './validation';
