import { answerCommand } from '../host/answer.ts';
import { runCommand } from './program.ts';

await answerCommand(async (command) => runCommand(command, () => new Date()));
