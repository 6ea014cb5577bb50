import { judgeResume } from '../../src/domain/operator-request.ts';
import { defaultStepParameters } from '../../src/domain/step-parameters.ts';

const parked = {
  state: 'needs_attention',
  failedStep: 'image',
  parameters: defaultStepParameters(),
  acceptedFrom: null,
  roundsDone: null,
} as const;
const by = { by: 'observer', reason: 'gain was too high' };

describe('a resume request', () => {
  test('goes on from the failed step with what it ran with, when nothing else is said', () => {
    expect(judgeResume(by, parked)).toMatchObject({ accepted: true, value: { from: 'image', parameters: parked.parameters.image } });
  });

  test('overrides only the parameters it names', () => {
    const judgement = judgeResume({ ...by, parameters: { mgain: 0.6 } }, parked);
    expect(judgement).toMatchObject({ accepted: true, value: { parameters: { ...parked.parameters.image, mgain: 0.6 } } });
  });

  test('may go back to an earlier step, never ahead to a later one', () => {
    expect(judgeResume({ ...by, from: 'flag' }, parked)).toMatchObject({ accepted: true, value: { from: 'flag' } });
    expect(judgeResume({ ...by, from: 'photometry' }, parked)).toMatchObject({ accepted: false, code: 'invalid_step' });
  });

  test.each([
    [{ ...by, parameters: { mgain: 1.5 } }, 'invalid_parameters', 'mgain'],
    [{ ...by, parameters: { mgian: 0.5 } }, 'invalid_parameters', 'mgian'],
    [{ ...by, from: 'imagine' }, 'invalid_request', 'from'],
    [{ by: 'observer', reason: 'short' }, 'invalid_request', 'reason'],
    [{ ...by, surprise: 1 }, 'invalid_request', 'surprise'],
    ['resume please', 'invalid_request', ''],
  ])('%j is refused as %s and names the culprit', (request, code, culprit) => {
    const judgement = judgeResume(request, parked);
    expect(judgement).toMatchObject({ accepted: false, code });
    expect(judgement.accepted ? '' : judgement.reason).toContain(culprit);
  });

  test('is refused when the group waits for nobody, and the second operator reads who was first', () => {
    const judgement = judgeResume(by, { ...parked, state: 'in_progress', acceptedFrom: 'ada' });
    expect(judgement).toMatchObject({ accepted: false, code: 'not_waiting' });
    expect(judgement.accepted ? '' : judgement.reason).toContain('ada');
  });
});
