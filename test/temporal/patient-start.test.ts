/** Starting while Temporal does not serve yet: what passes is waited out, what does not is said at once. */
import { ServiceError } from '@temporalio/client';
import { untilServed } from '../../src/temporal/patient-start.ts';
import { TemporalUnreachable } from '../../src/temporal/temporal-errors.ts';

/** Of gRPC. */
const [DEADLINE_EXCEEDED, PERMISSION_DENIED, UNAVAILABLE] = [4, 7, 14] as const;

const answered = (code: number): ServiceError =>
  new ServiceError('Failed to describe schedule', { cause: Object.assign(new Error(`code ${code}`), { code, details: '', metadata: {} }) });

function server(...errors: Error[]): { ask: () => Promise<string>; said: string[]; log: { warn: (fields: object) => void } } {
  const said: string[] = [];
  return {
    ask: async () => {
      const error = errors.shift();
      if (error !== undefined) throw error;
      return 'served';
    },
    said,
    log: { warn: (fields) => void said.push(JSON.stringify(fields)) },
  };
}

test('a server that lets requests time out at first is asked again, and each time is said with its cause', async () => {
  const { ask, said, log } = server(answered(DEADLINE_EXCEEDED), new TemporalUnreachable('host:1', null));
  await expect(untilServed('host:1', ask, { patienceMs: 10_000, log })).resolves.toBe('served');
  expect(said).toHaveLength(2);
  expect(said[0]).toContain('code 4');
});

test('one that does not in its time is unreachable, with the cause', async () => {
  const last = answered(UNAVAILABLE);
  const { ask, log } = server(last, answered(UNAVAILABLE));
  await expect(untilServed('host:1', ask, { patienceMs: -1, log })).rejects.toMatchObject({ name: 'TemporalUnreachable', cause: last });
});

test.each([
  ['a refusal', answered(PERMISSION_DENIED)],
  ['an error of our own', new TypeError('ours')],
])('%s is not waited for', async (_, error) => {
  const { ask, said, log } = server(error);
  await expect(untilServed('host:1', ask, { patienceMs: 10_000, log })).rejects.toBe(error);
  expect(said).toEqual([]);
});
