/** The handlers of a place cannot be loaded. The message names the place and what mends it. */
export class HandlerLoadError extends Error {
  override readonly name = 'HandlerLoadError';
}
