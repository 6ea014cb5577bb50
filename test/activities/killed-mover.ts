/** A process that moves one folder to its published place and says when it begins; made to be killed. */
import { moveInto } from '../../activities/publish.ts';

const [source = '', target = '', attempt = ''] = process.argv.slice(2);
process.stdout.write('moving\n');
await moveInto(source, target, { runId: 'run', attempt: Number(attempt) });
