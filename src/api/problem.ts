/**
 * The one error shape of the API: application/problem+json (RFC 9457) with a code, a remedy and the request's id.
 * Every code the API can give is in PROBLEMS. Never a stack trace, never a 200 that means failure.
 */
import { z } from 'zod';

interface ProblemKind {
  status: number;
  title: string;
  remedy: string;
}

const PROBLEMS = {
  invalid_request: { status: 400, title: 'The request does not parse', remedy: 'Correct the fields listed under errors.' },
  invalid_cursor: { status: 400, title: 'The cursor is not one of ours', remedy: 'Ask for the first page again, without cursor.' },
  invalid_time: {
    status: 400,
    title: 'The time does not parse',
    remedy: 'Use RFC 3339, 2025-10-02T00:05:18, unix seconds or mjd:60000.5.',
  },
  path_outside_roots: {
    status: 400,
    title: 'The file lies outside the storage locations',
    remedy: 'Move the product back below paths.output.',
  },
  sign_in_required: {
    status: 401,
    title: 'Sign in first',
    remedy: 'Send "Authorization: Bearer <token>", with the token of state/operator.token, or sign in on the dashboard.',
  },
  token_expired: { status: 401, title: 'The session has ended', remedy: 'Sign in again.' },
  role_too_low: { status: 403, title: 'Your role may not do this', remedy: 'Ask somebody with the role named in detail.' },
  csrf_failed: { status: 403, title: 'The request did not come from the dashboard', remedy: 'Reload the page and try again.' },
  unknown_group: { status: 404, title: 'No such group', remedy: 'See GET /api/v1/groups for the groups there are.' },
  unknown_product: { status: 404, title: 'No such product', remedy: 'See GET /api/v1/imaging/images for the images there are.' },
  unknown_source: { status: 404, title: 'No such source', remedy: 'See GET /api/v1/sources for the sources there are.' },
  unknown_route: { status: 404, title: 'No such address', remedy: 'See GET /api/openapi.json for the addresses there are.' },
  not_waiting: {
    status: 409,
    title: 'The group waits for nobody',
    remedy: 'Look at its state; a group is resumed only in needs_attention.',
  },
  already_completed: {
    status: 409,
    title: 'The group is closed already',
    remedy: 'Look at its state; only an open group can be cancelled.',
  },
  ambiguous_group: { status: 409, title: 'Two groups answer to this name', remedy: 'Use one of the ids named in detail.' },
  product_deleted: { status: 410, title: 'The product is gone', remedy: 'A newer version may exist: see the group it belongs to.' },
  too_large: { status: 413, title: 'The request is too large', remedy: 'Send at most 1 MiB.' },
  unsupported_type: { status: 415, title: 'The content type is not understood', remedy: 'Send application/json.' },
  invalid_parameters: {
    status: 422,
    title: 'The parameters are not valid for this step',
    remedy: 'See GET /api/v1/steps for their schema.',
  },
  invalid_step: { status: 422, title: 'The step cannot be resumed from', remedy: 'Choose the failed step or an earlier one.' },
  reason_required: { status: 422, title: 'A reason is required', remedy: 'Say why, in 8 to 500 characters.' },
  rate_limited: { status: 429, title: 'Too many requests', remedy: 'Wait as long as Retry-After says.' },
  bug: { status: 500, title: 'This is a bug', remedy: 'Report it with the request id; the log has the rest.' },
  temporal_unreachable: { status: 503, title: 'Temporal does not answer', remedy: 'Check it with: contimg doctor.' },
  worker_unavailable: { status: 503, title: 'No worker took the request', remedy: 'Start one with: contimg worker.' },
  catalog_unavailable: { status: 503, title: 'The product database cannot be read', remedy: 'Check it with: contimg doctor.' },
  database_busy: { status: 503, title: 'The product database is locked', remedy: 'Try again in a few seconds.' },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEMS;
export const isProblemCode = (code: string): code is ProblemCode => Object.hasOwn(PROBLEMS, code);

export const problemSchema = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  instance: z.string(),
  code: z.string(),
  remedy: z.string(),
  request_id: z.string(),
  errors: z.array(z.strictObject({ pointer: z.string(), message: z.string() })),
});
export type Problem = z.infer<typeof problemSchema>;

/** What a route throws; the error handler (error-replies.ts) turns it into the answer. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly code: ProblemCode;
  readonly remedy: string;
  readonly errors: Problem['errors'];
  constructor(code: ProblemCode, detail: string, options: { remedy?: string; errors?: Problem['errors'] } = {}) {
    super(detail);
    this.code = code;
    this.remedy = options.remedy ?? PROBLEMS[code].remedy;
    this.errors = options.errors ?? [];
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }

  toBody(requestId: string, instance: string): Problem {
    return {
      type: `urn:contimg:problem:${this.code}`,
      title: PROBLEMS[this.code].title,
      status: this.status,
      detail: this.message,
      instance,
      code: this.code,
      remedy: this.remedy,
      request_id: requestId,
      errors: this.errors,
    };
  }
}
