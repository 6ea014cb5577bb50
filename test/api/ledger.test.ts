/** The ledger over HTTP: rows page by page, counts by day and hour, and what is expected now. */
import { ledgerListSchema, ledgerSummarySchema } from '../../src/api/contract/ledger.ts';
import { admit, CADENCE_MS, look, NIGHT_START_MS } from '../catalog/observed-night.ts';
import { type ListeningApi, listen } from './listening-api.ts';

const begin = (number: number): number => NIGHT_START_MS + number * CADENCE_MS;

let api: ListeningApi;
beforeAll(async () => {
  api = await listen();
});
afterAll(() => api.close());

const summary = async (query = '') => ledgerSummarySchema.parse(await (await api.get(`/api/v1/ledger/summary${query}`)).json());

test('an empty ledger says that nobody looked yet', async () => {
  expect(await summary()).toMatchObject({ expectation: null, counts: [] });
});

describe('a night with a hole and a silence', () => {
  beforeAll(() => {
    // Two at the start, one lost, one more; then two hours of silence, and two more.
    for (const number of [0, 1, 3, 27, 28]) {
      const group = { startMs: begin(number), arrivesMs: begin(number + 1), decRad: 0.952, isComplete: true };
      admit(api.database, group, begin(number + 1));
    }
    look(api.database, begin(29) + 1_000_000);
    look(api.database, begin(40));
  });

  test('rows come newest first, page by page', async () => {
    const first = ledgerListSchema.parse(await (await api.get('/api/v1/ledger?limit=3')).json());
    const second = ledgerListSchema.parse(await (await api.get(`/api/v1/ledger?limit=200&cursor=${first.next_cursor}`)).json());
    const times = [...first.items, ...second.items].map((row) => row.expected_at);
    expect(times).toEqual(times.toSorted().toReversed());
    expect([times.length, second.next_cursor]).toEqual([first.total, null]);
  });

  test('holes are found by their outcome, with the groups they stand for and why', async () => {
    const end = new Date(begin(27)).toISOString();
    const { items } = ledgerListSchema.parse(await (await api.get(`/api/v1/ledger?outcome=missing&end=${end}`)).json());
    expect(items).toMatchObject([
      { group_id: null, groups: 23, reason: 'no data from correlator' },
      { group_id: null, groups: 1, reason: 'no file of it was seen', history: [{ outcome: 'pending' }] },
    ]);
  });

  test('a silence counts in each hour for the groups that should have begun there', async () => {
    const { counts, expectation } = await summary(`?by=hour&start=2026-03-01T03:00:00&end=2026-03-01T04:00:00`);
    // Begins 12 to 23 of this night.
    expect(counts).toMatchObject([{ from: '2026-03-01T03', missing: 12 }]);
    expect(expectation).toMatchObject({ cadence_from: 'headers', cadence_s: expect.closeTo(309.2377, 3) });
    const [day] = (await summary(`?end=${new Date(begin(27)).toISOString()}`)).counts;
    expect(day).toMatchObject({ from: '2026-03-01', expected: 27, missing: 24, pending: 3 });
  });

  test('a time or a cursor that is none is refused', async () => {
    expect((await api.get('/api/v1/ledger?start=soon')).status).toBe(400);
    expect((await api.get('/api/v1/ledger?cursor=bm9uZQ')).status).toBe(400);
  });
});
