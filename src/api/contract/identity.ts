/** Who the API takes the caller for. */
import { z } from 'zod';

/** In rising order; `none` needs no sign-in. */
export const ROLES = ['none', 'viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export const identitySchema = z.strictObject({
  name: z.string(),
  role: z.enum(ROLES),
  expires_at: z.string().nullable(),
  /** Sent back as X-CSRF-Token with each mutation; null without a cookie. */
  csrf_token: z.string().nullable(),
});
export type Identity = z.infer<typeof identitySchema>;
