import { broken, message, misplaced, strangeRequest } from './generate.ts';
import { UpperLayerModel } from './model.ts';
import type { Random } from './random.ts';
import { encodeRequest, usualRequest } from './wire.ts';

/** What is said over one connection, and what must be answered. */
export type Script = {
  readonly bytes: Buffer;
  readonly model: UpperLayerModel;
  /** PDUs among those that count which are not as a real peer would send them. */
  readonly mutated: number;
};

const mostSteps = 24;

/** Goes on until the association is over, as the model sees it, or as much was said as one connection may say. */
export function writeScript(random: Random, callers: ReadonlySet<string>): Script {
  const model = new UpperLayerModel(callers);
  const parts: Buffer[] = [];
  let mutated = 0;
  const say = (bytes: Buffer, isMutated: boolean): void => {
    if (model.state === 'ended') return;
    parts.push(bytes);
    model.push(bytes);
    if (isMutated) mutated += 1;
  };
  begin(random, say);
  for (let step = 0; step < mostSteps && model.state !== 'ended'; step++) goOn(random, say);
  return { bytes: Buffer.concat(parts), model, mutated };
}

type Say = (bytes: Buffer, isMutated: boolean) => void;

function begin(random: Random, say: Say): void {
  const first = random.next();
  if (first < 0.72) say(encodeRequest(usualRequest()), false);
  else if (first < 0.88) say(strangeRequest(random), true);
  else if (first < 0.96) say(broken(random, encodeRequest(usualRequest())), true);
  else say(misplaced(random), true);
}

function goOn(random: Random, say: Say): void {
  const kind = random.next();
  if (kind < 0.86) for (const bytes of message(random, true)) say(bytes, true);
  else if (kind < 0.9) for (const bytes of message(random, false)) say(bytes, false);
  else if (kind < 0.97)
    for (const bytes of message(random, false)) {
      const isBroken = random.chance(0.6);
      say(isBroken ? broken(random, bytes) : bytes, isBroken);
    }
  else say(misplaced(random), true);
}
