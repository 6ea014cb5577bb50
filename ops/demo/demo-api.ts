/** The demo asks the pipeline what everybody can ask it: its REST API. */
import { type GroupRow, groupListSchema } from '../../src/api/contract/group.ts';
import { lightCurveSchema, sourceListSchema } from '../../src/api/contract/source.ts';
import { type Status, statusSchema } from '../../src/api/contract/status.ts';
import type { z } from 'zod';

export type LightCurve = z.infer<typeof lightCurveSchema>;

export class DemoApi {
  readonly base: string;
  constructor(base: string) {
    this.base = base;
  }

  async isServing(): Promise<true | null> {
    return (await this.status()) === null ? null : true;
  }

  /** Null while nobody answers. */
  async status(): Promise<Status | null> {
    const answer = await this.#get('/status').catch(() => null);
    return answer === null ? null : statusSchema.parse(answer);
  }

  async groups(): Promise<GroupRow[]> {
    return groupListSchema.parse(await this.#get('/groups?limit=200')).items;
  }

  async lightCurves(): Promise<LightCurve[]> {
    const { items } = sourceListSchema.parse(await this.#get('/sources?limit=200'));
    return Promise.all(items.map(async ({ source_id }) => lightCurveSchema.parse(await this.#get(`/sources/${source_id}/lightcurve`))));
  }

  async #get(path: string): Promise<unknown> {
    const response = await fetch(`${this.base}/api/v1${path}`);
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return response.json();
  }
}
