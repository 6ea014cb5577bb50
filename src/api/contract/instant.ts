/** An instant as the API gives it. */
import { z } from 'zod';

/** RFC 3339 with `Z`. */
export const instantSchema = z.iso.datetime();
