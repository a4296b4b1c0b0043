/**
 * The film program: `program.ts JOURNAL FILE` makes the file and prints what is in it as JSON. node-av (FFmpeg with GPL parts, see NOTICE)
 * lives in this process, as in the encoder program, and never in the agent.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { makeFilm } from './mp4.ts';

// What the muxer makes is the agent's user's alone.
process.umask(0o077);
const [journal = '', file = ''] = process.argv.slice(2);
const film = await makeFilm(journal, file);
const hash = createHash('sha256');
if (film) await pipeline(createReadStream(file), hash);
process.stdout.write(JSON.stringify(film ? { ...film, sha256: hash.digest('hex') } : null));
