/** The programs of contimg_science have no defaults; the names they require are the names src/domain sends. */
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { camelCased } from '../../src/domain/spelling.ts';
import { stepParameterSchemas } from '../../src/domain/step-parameters.ts';

const science = resolve(import.meta.dirname, '..', '..', 'science');
/** A step may run more than one: each is sent its own part. */
const programsOfStep = {
  concat: ['concat'],
  organize: ['validate'],
  flag: ['flag'],
  solve: ['solve'],
  calibrate: ['calibrate', 'selfcal'],
  image: ['image'],
  photometry: ['photometry'],
} as const;
const programs = Object.values(programsOfStep).flat();

const script = `
import importlib, json, sys
from contimg_science.protocol import StepRequest
names = {}
for program in sys.argv[1:]:
    module = importlib.import_module(f"contimg_science.{program}")
    requests = [kind for kind in vars(module).values()
                if isinstance(kind, type) and issubclass(kind, StepRequest) and kind is not StepRequest
                and (program == "image" or kind.__module__ == module.__name__)]
    assert len(requests) == 1, (program, requests)
    parameters = requests[0].model_fields["parameters"].annotation
    names[program] = {name: field.is_required() for name, field in parameters.model_fields.items()}
print(json.dumps(names))
`;

const required: Record<string, Record<string, boolean>> = JSON.parse(
  execFileSync(join(science, '.venv/bin/python'), ['-c', script, ...programs], { cwd: science, encoding: 'utf8' }),
);

describe('parameters of the science programs', () => {
  test.each(Object.entries(programsOfStep))('%s sends exactly what %j ask for', (step, ofStep) => {
    const sent = Object.keys(stepParameterSchemas[step as keyof typeof programsOfStep].shape).sort();
    const asked = ofStep.flatMap((program) => Object.keys(camelCased(required[program] ?? {}) as object)).sort();
    expect(asked).toEqual(sent);
  });

  test.each(programs)('%s has no default of its own', (program) => {
    expect(Object.entries(required[program] ?? {}).filter(([, isRequired]) => !isRequired)).toEqual([]);
  });
});
