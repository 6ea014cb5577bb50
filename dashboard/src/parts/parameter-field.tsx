/** One parameter of a step as a form field, from its JSON Schema, with the configured value beside a changed one. */
import type { Parameter, Step } from '../../../src/api/contract/step.ts';
import { inWords } from '../formats.ts';

/** What was typed, by parameter; absent: untouched. */
export type Draft = Record<string, string | boolean | undefined>;

interface FieldProps {
  name: string;
  parameter: Parameter;
  configured: unknown;
  value: string | boolean | undefined;
  onChange: (value: string | boolean) => void;
}

export function ParameterField({ name, parameter, configured, value, onChange }: FieldProps) {
  const kind = kindOf(parameter);
  const changed = value !== undefined && String(value) !== textOf(configured);
  const note = [parameter.description, changed ? `was ${textOf(configured) || 'empty'}` : undefined].filter(Boolean).join('; ');
  if (kind === 'boolean') {
    const checked = typeof value === 'boolean' ? value : configured === true;
    return (
      <label className="check">
        <input type="checkbox" checked={checked} onChange={(event) => onChange(event.target.checked)} />
        {inWords(name)}
        {note !== '' && <span className="fine"> {note}</span>}
      </label>
    );
  }
  const text = typeof value === 'string' ? value : textOf(configured);
  return (
    <label>
      {inWords(name)}
      {parameter.enum !== undefined ? (
        <select value={text} onChange={(event) => onChange(event.target.value)}>
          {parameter.enum.map((choice) => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      ) : (
        <input
          type={kind === 'text' ? 'text' : 'number'}
          step={kind === 'integer' ? 1 : 'any'}
          min={parameter.minimum}
          max={parameter.maximum}
          required={!isNullable(parameter)}
          value={text}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
      {note !== '' && <span className="fine">{note}</span>}
    </label>
  );
}

/** Only what differs from the configured value, in the parameter's own type; an emptied optional number is null. */
export function changedValues(step: Step, draft: Draft): Record<string, unknown> {
  const changes: Record<string, unknown> = {};
  for (const [name, parameter] of Object.entries(step.parameters.properties)) {
    const value = draft[name];
    if (value === undefined || String(value) === textOf(step.configured[name])) continue;
    const isNumber = ['number', 'integer'].includes(kindOf(parameter));
    changes[name] = value === '' && isNullable(parameter) ? null : isNumber ? Number(value) : value;
  }
  return changes;
}

/** Parameters are numbers, words and switches; anything else shows as JSON rather than as nothing. */
const textOf = (value: unknown): string =>
  value === null || value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
const isNullable = (parameter: Parameter): boolean => parameter.anyOf?.some((branch) => branch.type === 'null') ?? false;

function kindOf(parameter: Parameter): 'number' | 'integer' | 'boolean' | 'text' {
  const type = parameter.type ?? parameter.anyOf?.find((branch) => branch.type !== 'null')?.type;
  return type === 'number' || type === 'integer' || type === 'boolean' ? type : 'text';
}
