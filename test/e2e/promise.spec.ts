import { expect } from '@playwright/test';
import {
  manifestCheckSchema,
  serviceViewSchema,
  sessionViewSchema,
  type ServiceView,
  type SessionView,
} from '@medusa/protocol';
import { z } from 'zod';
import { openAdministrator } from '../support/admin-page.ts';
import { send } from '../support/ask.ts';
import { test as base } from '../support/fixtures.ts';
import { startMedusa, type Medusa } from '../support/medusa.ts';
import { environmentOf } from '../support/processes.ts';
import { freePorts } from '@medusa/kernel/free-ports';
import { startRelay, type Relay } from '../support/relay.ts';
import { openPerson, type Person } from '../support/viewer-page.ts';

/**
 * A hospital in two zones on one box: the render nodes of `north` stand beside the study and reach it through a link of the test's,
 * those of `local` (the installation's own) stand elsewhere.
 */
const test = base.extend<{ link: Relay }>({
  // eslint-disable-next-line no-empty-pattern -- Playwright reads the fixture's needs from this pattern.
  link: async ({}, use) => {
    await using link = await startRelay();
    await use(link);
  },
  medusa: async ({ link }, use) => {
    const routes = { north: { 'storage-1': `https://127.0.0.1:${link.port}` } };
    await using medusa = await startMedusa({
      environment: {
        MEDUSA_AGREEMENT_SECONDS: '1',
        MEDUSA_RTC_ADDRESS: '127.0.0.2',
        MEDUSA_STORAGE_ROUTES: JSON.stringify(routes),
      },
    });
    const { pid = 0 } = medusa.findProcess('infra/storage/main.ts') ?? {};
    link.forwardTo(Number(environmentOf(pid, 'MEDUSA_STORAGE_HTTPS_PORT')));
    await use(medusa);
  },
});

const slowKbps = 3_000;
/** Less than any machine reads over its own loopback, more than the throttled link has. */
const promisedMbps = 10;
/** What a first image may take, on a busy machine too. */
const promisedSeconds = 40;

const manifest = `<manifest xmlns="http://www.compatibleone.fr/schemes/manifest.xsd" name="reading">
  <security name="radiology" level="private"/>
  <account name="medusa"/>
  <configuration name="reading">
    <action name="begin" type="cordscript" expression="viewer.start();"/>
  </configuration>
  <release name="reading">
    <action name="drain" type="cordscript" expression="viewer.stop();"/>
  </release>
  <interface name="Reading next to the archive">
    <action name="streamed" type="cordscript" expression="viewer.iface('streamed');"/>
  </interface>
  <node name="viewer" provider="any" operator="any" profile="render" access="private" category="manifest" scope="normal" type="simple" entry="none">
    <infrastructure name="viewer">
      <compute cores="1" memory="1536M"/>
      <network label="viewers">
        <port name="https" protocol="tcp" from="443" to="443" range="0.0.0.0/0" direction="out"/>
      </network>
    </infrastructure>
    <image name="agent" agent="medusa">
      <system name="bookworm" version="12" distribution="debian"/>
      <package name="chromium" installation="apt-get install -y --no-install-recommends chromium"/>
    </image>
  </node>
</manifest>`;

function guaranteeOf(name: string, target: string): string {
  return `<wsag:GuaranteeTerm wsag:Name="${name}" wsag:Obligated="ServiceProvider">
        <wsag:ServiceScope wsag:ServiceName="reading"/>
        <wsag:QualifyingCondition>provider EQ 'north'</wsag:QualifyingCondition>
        <wsag:ServiceLevelObjective>
          <wsag:KPITarget>
            <wsag:KPIName>${name}</wsag:KPIName>
            <wsag:Target medusa:Window="PT1M" medusa:MinimumSamples="1">${target}</wsag:Target>
          </wsag:KPITarget>
        </wsag:ServiceLevelObjective>
        <wsag:BusinessValueList>
          <wsag:Penalty>
            <wsag:AssessmentInterval>
              <wsag:TimeInterval>PT1M</wsag:TimeInterval>
            </wsag:AssessmentInterval>
            <wsag:ValueUnit>EUR</wsag:ValueUnit>
            <wsag:ValueExpression>40.00</wsag:ValueExpression>
          </wsag:Penalty>
        </wsag:BusinessValueList>
      </wsag:GuaranteeTerm>`;
}

function agreementOf(kind: 'Template' | 'Agreement'): string {
  const id = kind === 'Template' ? 'wsag:TemplateId="reading"' : 'wsag:AgreementId="reading-north"';
  const named = kind === 'Template' ? '' : '<wsag:TemplateId>reading</wsag:TemplateId>';
  return `<?xml version="1.0" encoding="UTF-8"?>
<wsag:${kind} ${id} xmlns:wsag="http://schemas.ggf.org/graap/2007/03/ws-agreement" xmlns:medusa="urn:medusa:agreement">
  <wsag:Context>
    <wsag:AgreementInitiator>Hospital North</wsag:AgreementInitiator>
    <wsag:AgreementResponder>medusa</wsag:AgreementResponder>
    <wsag:ServiceProvider>AgreementResponder</wsag:ServiceProvider>
    ${named}
  </wsag:Context>
  <wsag:Terms>
    <wsag:All>
      <wsag:ServiceDescriptionTerm wsag:Name="what" wsag:ServiceName="reading">${manifest}</wsag:ServiceDescriptionTerm>
      ${guaranteeOf('first-image', `max(first.image.seconds) LE ${promisedSeconds}`)}
      ${guaranteeOf('link', `mean(study.read.mbps) GE ${promisedMbps}`)}
    </wsag:All>
  </wsag:Terms>
</wsag:${kind}>
`;
}

async function serviceOf(medusa: Medusa, id: string): Promise<ServiceView> {
  return serviceViewSchema.parse(await medusa.getJson(`/api/services/${id}`, await medusa.tokenOf('admin')));
}

async function latestSession(medusa: Medusa): Promise<SessionView> {
  const answer = await medusa.getJson('/api/sessions', await medusa.tokenOf('admin'));
  const { sessions } = z.object({ sessions: z.array(sessionViewSchema) }).parse(answer);
  const [latest] = sessions.toSorted((a, b) => b.createdAt.localeCompare(a.createdAt));
  if (!latest) throw new Error('There is no session');
  return latest;
}

async function open({ page }: Person): Promise<void> {
  await page.getByTestId('worklist-row').first().click();
  await page.getByTestId('open-button').click();
}

/** Waits for the first slice, and answers the session in which it was seen. */
async function read(medusa: Medusa, person: Person): Promise<SessionView> {
  await expect(person.video).toBeVisible({ timeout: 120_000 });
  await person.viewThat('the first slice', ({ ready }) => ready);
  return latestSession(medusa);
}

async function leave(medusa: Medusa, { page }: Person): Promise<void> {
  await page.getByTestId('leave-button').click();
  await page.goto(medusa.url);
  await expect(page.getByTestId('worklist-row').first()).toBeVisible();
}

test('a manifest and an agreement of XML become a service that is judged by what people see, and left when its link is slow', async ({
  medusa,
  orthanc,
  chromium,
  link,
}) => {
  test.setTimeout(480_000);
  const admin = await openAdministrator(chromium, medusa);
  const { page } = admin;
  const radiologist = await openPerson(chromium, medusa);
  await radiologist.logIn('radiologist');
  await expect(radiologist.page.getByTestId('worklist-empty')).toBeVisible();
  await orthanc.push();

  await test.step('an administrator adds a zone, and checks what the manifest would be there', async () => {
    const [rtcPort = 0] = await freePorts(1);
    await admin.show('providers');
    await page.getByTestId('provider-add').click();
    await admin.pick('provider-kind', 'This computer');
    await page.getByTestId('provider-id').fill('north');
    await page.getByTestId('field-rtcPort').fill(String(rtcPort));
    await page.getByTestId('field-rtcAddress').fill('127.0.0.1');
    await page.getByTestId('provider-save').click();
    await expect(page.locator('[data-testid="provider-card"][data-id="north"]')).toHaveAttribute(
      'data-health',
      'reachable',
    );
    const checked = manifestCheckSchema.parse(
      await send(medusa, 'admin', {
        path: '/api/manifests/check?provider=north',
        type: 'application/xml',
        body: manifest,
      }),
    );
    expect(checked).toMatchObject({ problems: [], lint: [], fit: [{ image: 'agent', reason: '' }] });
  });

  const firstImage = page.locator('[data-testid="guarantee"][data-name="first-image"]');
  const guarantee = page.locator('[data-testid="guarantee"][data-name="link"]');
  await test.step('the agreement about it is offered, accepted and observed', async () => {
    const type = 'application/xml';
    const [template, offer] = [agreementOf('Template'), agreementOf('Agreement')];
    await send(medusa, 'admin', { path: '/api/agreements/templates', type, body: template });
    await send(medusa, 'admin', { path: '/api/agreements', type, body: offer });
    await admin.show('agreements');
    const row = page.locator('[data-testid="agreement-row"][data-id="reading-north"]');
    await row.getByTestId('agreement-open').click();
    await page.getByTestId('agreement-act-accept').click();
    await admin.confirmPlan();
    await expect(page.getByTestId('agreement-state')).toHaveAttribute('data-state', 'Observed');
    await expect(guarantee).toHaveAttribute('data-state', 'NotDetermined');
  });

  await test.step('the service that the agreement describes is deployed, and its render node joins', async () => {
    await send(medusa, 'admin', {
      path: '/api/services',
      type: 'application/json',
      body: JSON.stringify({ id: 'reading', provider: 'north', agreement: 'reading-north' }),
    });
    await expect.poll(async () => (await serviceOf(medusa, 'reading')).state.kind).toBe('running');
    const { steps } = await serviceOf(medusa, 'reading');
    const texts = steps.map(({ text }) => text);
    expect(texts).toContain('machine reading-viewer is ready');
    expect(texts).toContainEqual(expect.stringMatching(/^security-group reading-viewer-sg is left out: /));
  });

  await test.step('a radiologist reads there, and the promise is kept', async () => {
    await open(radiologist);
    // This browser is asked once.
    await radiologist.passDeviceCheck();
    const session = await read(medusa, radiologist);
    expect(session.nodeId).toBe('reading-viewer');
    expect(session.placement?.reason).toContain('next to the stored study');
    expect(link.bytes).toBeGreaterThan(1_000_000);
    await expect(guarantee).toHaveAttribute('data-state', 'Fulfilled', { timeout: 120_000 });
    await expect(firstImage).toHaveAttribute('data-state', 'Fulfilled', { timeout: 120_000 });
    await leave(medusa, radiologist);
  });

  await test.step('another one reads there over a link that is slow', async () => {
    link.throttle(slowKbps);
    const before = link.bytes;
    await open(radiologist);
    const session = await read(medusa, radiologist);
    expect(session.nodeId).toBe('reading-viewer');
    // The first slice alone says little of a path: who stays a moment has the next ones read.
    await expect.poll(() => link.bytes - before, { timeout: 60_000 }).toBeGreaterThan(1_500_000);
    await leave(medusa, radiologist);
  });

  await test.step('the promise is broken: the page shows why, and what it costs', async () => {
    await expect(guarantee).toHaveAttribute('data-state', 'Violated', { timeout: 120_000 });
    await expect(guarantee.getByTestId('guarantee-why')).toHaveText('The target was missed.');
    await page.screenshot({ path: test.info().outputPath('violated.png'), fullPage: true });
    await page.getByTestId('agreement-ledger').click();
    await expect(page.locator('[data-testid="ledger-line"][data-purpose="penalty"]').first()).toContainText(
      '40.00 EUR',
    );
    await page.screenshot({ path: test.info().outputPath('ledger.png'), fullPage: true });
    await page.getByTestId('agreement-report').click();
    await page.getByTestId('report-show').click();
    await page
      .getByTestId('report-windows')
      .getByRole('row', { name: /violated/i })
      .first()
      .getByRole('button')
      .click();
    await expect(page.getByTestId('report-events')).toContainText('study.read.mbps');
    await page.screenshot({ path: test.info().outputPath('events.png'), fullPage: true });
  });

  const third = await test.step('the next one is placed in another zone, and is told why', async () => {
    await open(radiologist);
    const session = await read(medusa, radiologist);
    expect(session.nodeId).toBe('render-1');
    const slow = session.placement?.considered.find(({ nodeId }) => nodeId === 'reading-viewer');
    expect(slow?.note).toMatch(/its path to the study was measured at [\d.]+ Mbit\/s/);
    expect(session.placement?.reason).toMatch(
      /Next best is reading-viewer: .+ was measured at [\d.]+ Mbit\/s/,
    );
    return session;
  });

  await test.step('the page of sessions says why the last one is where it is', async () => {
    await admin.show('sessions');
    const row = page.locator(`[data-testid="admin-row"][data-id="${third.id}"]`);
    await row.getByRole('button').click();
    await expect(page.getByTestId('admin-sessions')).toContainText('its path to the study was measured at');
    await page.screenshot({ path: test.info().outputPath('placement.png'), fullPage: true });
  });

  await test.step('the service is released, and its node is gone', async () => {
    await send(medusa, 'admin', {
      path: '/api/services/reading/actions',
      type: 'application/json',
      body: JSON.stringify({ action: 'release' }),
    });
    await expect.poll(async () => (await serviceOf(medusa, 'reading')).state.kind).toBe('absent');
  });
  await radiologist.page.context().close();
  await page.context().close();
});
