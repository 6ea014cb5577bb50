/** Addresses in the Temporal Web UI. */
import type { Settings } from '../config/settings.ts';

type TemporalSettings = Pick<Settings['temporal'], 'namespace' | 'uiPort'>;

export const namespaceUrl = ({ namespace, uiPort }: TemporalSettings): string =>
  `http://127.0.0.1:${uiPort}/namespaces/${encodeURIComponent(namespace)}/workflows`;

export const workflowUrl = (temporal: TemporalSettings, workflowId: string, runId: string | null): string =>
  `${namespaceUrl(temporal)}/${encodeURIComponent(workflowId)}${runId === null ? '' : `/${runId}/history`}`;
