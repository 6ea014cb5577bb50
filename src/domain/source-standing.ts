/** How a source became known, and whether it may be believed: only what nobody but one group has seen may not. */
import { z } from 'zod';

export const standingSchema = z.enum(['catalogue', 'confirmed', 'unconfirmed']);
