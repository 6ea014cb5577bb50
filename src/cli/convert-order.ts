/** What a batch conversion is asked for, whichever engine does it. */
import type { StepName } from '../domain/step.ts';
import type { BatchOrder } from '../library/foreground-batch.ts';

export interface ConvertOrder extends BatchOrder {
  /** The interval in the words of the caller, for messages. */
  intervalText: string;
  /** The last step that is run. */
  last: StepName;
}
