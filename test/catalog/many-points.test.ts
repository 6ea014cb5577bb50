/** Light curves cost the same however many points there are: bench/light-curves.ts says so of ten million, this of 100,000. */
import { addImage, manyPoints } from './many-points.ts';

const ROUNDS = 5;

test('adding an image of 1,000 points costs the same with 100,000 points as with 12,000', () => {
  const [few, many] = [manyPoints({ fields: 1, epochs: 12 }), manyPoints({ fields: 1, epochs: 100 })];
  try {
    // In turn, so that what else this machine does slows both; processor time, so that it slows them little.
    const times = Array.from({ length: ROUNDS }, (_, round) => [few, many].map((night) => addImage(night, round).processorMs));
    const [fewMs = Number.NaN, manyMs = Number.NaN] = [0, 1].map((index) => Math.min(...times.map((pair) => pair[index] ?? Number.NaN)));
    // Eight times the history: anything that read it would be eight times as slow.
    expect(manyMs / fewMs).toBeLessThan(2);
  } finally {
    few.close();
    many.close();
  }
}, 60_000);
