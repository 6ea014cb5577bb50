/** A short name for the parameters of an attempt: equal sets have equal names. Pure, so that workflows may call it. */

/** FNV-1a over the canonical text: tells two parameter sets apart in a list; not a security hash. */
export function parametersDigest(parameters: object): string {
  const text = JSON.stringify(Object.entries(parameters).sort(([a], [b]) => a.localeCompare(b)));
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, '0');
}
