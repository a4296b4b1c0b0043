const mostAtOnce = 1_000;

/**
 * What is asked for while one question is under way is asked together after it: the busier it gets, the larger the batches, and nobody
 * waits when it is quiet. `act` answers for each in their order. When a batch fails, each of it is tried alone: one that cannot be done
 * takes no other with it.
 */
export function inBatches<In, Out>(
  act: (batch: readonly In[]) => Promise<readonly Out[]>,
): (one: In) => Promise<Out> {
  type Waiting = {
    readonly one: In;
    readonly resolve: (out: Out) => void;
    readonly reject: (why: unknown) => void;
  };
  let waiting: Waiting[] = [];
  let isActing = false;
  const attempt = async (batch: readonly Waiting[]): Promise<void> => {
    try {
      const done = await act(batch.map(({ one }) => one));
      for (const [index, { resolve }] of batch.entries()) resolve(done[index] as Out);
    } catch (error) {
      if (batch.length === 1) batch[0]?.reject(error);
      else for (const one of batch) await attempt([one]);
    }
  };
  const drain = async (): Promise<void> => {
    isActing = true;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, mostAtOnce);
      waiting = waiting.slice(mostAtOnce);
      await attempt(batch);
    }
    isActing = false;
  };
  return async (one) =>
    new Promise((resolve, reject) => {
      waiting.push({ one, resolve, reject });
      if (!isActing) void drain();
    });
}
