/**
 * The dashboard in a real browser against a real API and database. Screenshots are kept in the folder named by
 * CONTIMG_SCREENSHOTS, if it is set, for people to look at.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { defaultStepParameters } from '../../src/domain/step-parameters.ts';
import { arrive, move, type Night, writeNight } from '../api/night.ts';
import { type ListeningApi, listen } from '../api/listening-api.ts';
import { openBrowser } from './browser.ts';

const PHONE = { width: 360, height: 740 };
const DESKTOP = { width: 1280, height: 900 };
const SCREENSHOTS = process.env['CONTIMG_SCREENSHOTS'];

let api: ListeningApi;
let night: Night;
let browser: Awaited<ReturnType<typeof openBrowser>>;
let page: Page;
const complaints: string[] = [];

beforeAll(async () => {
  api = await listen();
  night = writeNight(api.database, api.settings.paths.output, api.clock.nowMs);
  browser = await openBrowser();
  page = await browser.context.newPage();
  page.setDefaultTimeout(8_000);
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
}, 30_000);
afterAll(async () => {
  await browser.close();
  await api.close();
}, 30_000);

async function picture(name: string): Promise<void> {
  if (SCREENSHOTS === undefined) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
}

/** Nothing may stick out to the side: a phone then scrolls in two directions. */
const overflowPx = () => page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');

/** Rejects if an image is broken. One evaluation: waitForFunction polls with eval, which the page's own policy forbids. */
const LOADED_IMAGES = 'Promise.all([...document.images].map((image) => image.decode())).then((images) => images.length)';

describe('page Now', () => {
  test('shows what needs a person, with cause and remedy, and the last image', async () => {
    await page.setViewportSize(DESKTOP);
    await page.goto(api.url);
    await page.getByText('WSCleanDiverged: the residual grew in major cycle 4').waitFor();
    await page.getByText('Raise auto_threshold_sigma').waitFor();
    await page.getByRole('img', { name: `Radio image of group ${night.completed}` }).waitFor();
    expect(await page.evaluate<number>(LOADED_IMAGES)).toBeGreaterThan(0);
    await picture('now-desktop');
  });

  test('has sidereal time of the site in its clock', async () => {
    expect(await page.getByLabel('Time at the telescope').innerText()).toMatch(/LST\s+\d\d:\d\d:\d\d/);
  });

  test('follows what happens without being reloaded', async () => {
    expect(await page.getByRole('row', { name: /in progress/ }).innerText()).toContain('0');
    arrive(
      api.database,
      night.collecting,
      Array.from({ length: 16 }, (_, subband) => subband),
      api.clock.nowMs,
    );
    move(api.database, night.collecting, { state: 'pending', revision: 1 }, api.clock.nowMs);
    move(api.database, night.collecting, { state: 'in_progress', step: 'concat', revision: 2 }, api.clock.nowMs);
    const row = page.getByRole('row', { name: /in progress\s+1/ });
    await row.waitFor();
    expect(await page.getByRole('row', { name: /collecting/ }).innerText()).toContain('0');
  });

  test('fits a screen of 360 px, in light and dark', async () => {
    await page.setViewportSize(PHONE);
    expect(await overflowPx()).toBe(0);
    await picture('now-phone');
    await page.emulateMedia({ colorScheme: 'dark' });
    await picture('now-phone-dark');
    await page.emulateMedia({ colorScheme: 'light' });
  });
});

describe('page Group', () => {
  test('explains, shows 16 subbands and the line of steps, and fits both screens', async () => {
    await page.goto(`${api.url}/groups/${night.needsAttention}`);
    await page.getByText('Step image failed for good').waitFor();
    expect(await page.locator('.arrivals > li').count()).toBe(16);
    expect(await page.locator('.steps > li').count()).toBe(12);
    expect(await overflowPx()).toBe(0);
    await picture('group-phone');
    await page.setViewportSize(DESKTOP);
    await page.emulateMedia({ colorScheme: 'dark' });
    await picture('group-desktop-dark');
    await page.emulateMedia({ colorScheme: 'light' });
  });

  test('an action that is not allowed is there, disabled, and says which role it needs', async () => {
    expect(await page.getByRole('button', { name: 'Resume' }).isDisabled()).toBe(true);
    await page.getByText('This needs the role operator').first().waitFor();
  });

  test('the operator signs in, changes one parameter, and is told why it cannot go on while Temporal is down', async () => {
    await page.getByText('Sign in', { exact: true }).first().click();
    await page.getByLabel('Operator token').fill(api.secret);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Signed in as').waitFor();
    await page.getByLabel(/auto threshold sigma/).fill('3');
    await page.getByText('Changed: auto threshold sigma').waitFor();
    await page.getByText(`was ${defaultStepParameters().image.autoThresholdSigma}`).waitFor();
    await page
      .locator('form', { hasText: 'Go on from' })
      .getByLabel(/Reason/)
      .fill('residual diverged, cleaning less deeply');
    await picture('group-desktop-resume');
    await page.getByRole('button', { name: 'Resume' }).click();
    const refusal = page.getByRole('alert');
    await refusal.waitFor({ timeout: 15_000 });
    expect(await refusal.innerText()).toMatch(/Temporal does not answer.*\n*.*contimg up/s);
  }, 40_000);

  test('an unknown group offers the newest ones', async () => {
    await page.goto(`${api.url}/groups/2001-01-01T00:00:00`);
    const link = page.getByRole('link', { name: night.completed });
    await link.waitFor();
    expect(await link.getAttribute('href')).toBe(`/groups/${night.completed}`);
  });
});

describe('every page', () => {
  test('says when the stream is silent, and asks for itself', async () => {
    await page.route('**/api/v1/events', (route) => route.abort());
    await page.goto(api.url);
    const banner = page.getByText('No live events for more than 10 s');
    await banner.waitFor({ timeout: 20_000 });
    expect(await banner.innerText()).toContain('Asking every 15 s');
    await picture('now-silent');
    await page.unroute('**/api/v1/events');
    await banner.waitFor({ state: 'detached', timeout: 20_000 });
  }, 50_000);

  test('breaks no rule of its own content security policy', () => {
    expect(complaints.filter((text) => /Content Security Policy|Refused to/i.test(text))).toEqual([]);
  });
});
