/** The gRPC statuses of Temporal's service that this code decides by, and where an error carries one. */
export const GRPC = { deadlineExceeded: 4, notFound: 5, failedPrecondition: 9, unavailable: 14 } as const;

/** Of an error as the service gives it; null for any other. The client's own errors have it in their `cause`. */
export const grpcStatusOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : null);
