/** How this code lies on disk: TypeScript in a checkout, JavaScript in the packed library. For files named at run time. */
export const MODULE_EXTENSION = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
