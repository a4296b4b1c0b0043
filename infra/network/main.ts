import { answerCommand } from '../host/answer.ts';
import { runCommand } from './program.ts';

await answerCommand(async (command, tell) => runCommand(command, () => new Date(), tell));
