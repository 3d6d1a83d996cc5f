/** The longest a broker in good health takes to answer: a queue without a leader may not answer at all. */
export const ANSWER_MS = 15_000;

/** Rejects when nobody answers: amqplib waits as long as the connection lives, which may be for ever. */
export async function answerWithin<T>(answer: Promise<T>, what: string, ms = ANSWER_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`the broker did not answer within ${ms} ms: ${what}`));
    }, ms);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
