import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { expect, type Page } from '@playwright/test';
import { openAdministrator } from '../support/admin-page.ts';
import { test as base } from '../support/fixtures.ts';
import { startMedusa, type Medusa } from '../support/medusa.ts';

/** Agreements are evaluated every second, so that nobody waits a minute for what is judged. */
const test = base.extend<{ medusa: Medusa }>({
  // eslint-disable-next-line no-empty-pattern -- Playwright reads the fixture's needs from this pattern.
  medusa: async ({}, use) => {
    await using medusa = await startMedusa({ environment: { MEDUSA_AGREEMENT_SECONDS: '1' } });
    await use(medusa);
  },
});

const brokenManifest = `<manifest name="reading">
  <node name="viewer" type="simple">
    <infrastructure name="viewer">
      <compute cores="many" memory="1G"/>
    </infrastructure>
  </node>
</manifest>
`;

function documentOf(kind: 'Template' | 'Agreement'): string {
  const id = kind === 'Template' ? 'wsag:TemplateId="link"' : 'wsag:AgreementId="north"';
  const named = kind === 'Template' ? '' : '<wsag:TemplateId>link</wsag:TemplateId>';
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
      <wsag:GuaranteeTerm wsag:Name="fast-link" wsag:Obligated="ServiceProvider">
        <wsag:ServiceScope wsag:ServiceName="pacs"/>
        <wsag:QualifyingCondition>lan.mbps GE 100</wsag:QualifyingCondition>
        <wsag:ServiceLevelObjective>
          <wsag:KPITarget>
            <wsag:KPIName>pacs.link.mbps</wsag:KPIName>
            <wsag:Target medusa:Window="PT1M" medusa:MinimumSamples="1" medusa:Confidence="exact">ratio(pacs.link.mbps GE 100) GE 90%</wsag:Target>
          </wsag:KPITarget>
        </wsag:ServiceLevelObjective>
        <wsag:BusinessValueList>
          <wsag:Penalty>
            <wsag:AssessmentInterval>
              <wsag:TimeInterval>PT1M</wsag:TimeInterval>
            </wsag:AssessmentInterval>
            <wsag:ValueUnit>EUR</wsag:ValueUnit>
            <wsag:ValueExpression>25.00</wsag:ValueExpression>
          </wsag:Penalty>
        </wsag:BusinessValueList>
      </wsag:GuaranteeTerm>
    </wsag:All>
  </wsag:Terms>
</wsag:${kind}>
`;
}

/** Tells the broker what was measured, as whoever measures it does. */
async function tell(
  medusa: Medusa,
  { lan = 1_000, ...told }: { id: string; at: string; value: number; lan?: number },
): Promise<void> {
  const event = {
    ...{ indicator: 'pacs.link.mbps', service: 'pacs', item: 'wan', ...told },
    conditions: { 'lan.mbps': lan },
  };
  const token = await medusa.tokenOf('admin');
  const status = await new Promise((resolve, reject) => {
    const asked = request(
      `${medusa.url}/api/agreements/indicators`,
      {
        method: 'POST',
        ca: readFileSync(medusa.caFile),
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        agent: false,
      },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode));
      },
    );
    asked.on('error', reject);
    asked.end(JSON.stringify({ events: [event] }));
  });
  expect(status).toBe(200);
}

async function cursorLine(page: Page): Promise<number> {
  return page
    .getByTestId('document-text')
    .evaluate((area: HTMLTextAreaElement) => area.value.slice(0, area.selectionStart).split('\n').length);
}

test('an administrator checks a broken manifest, is led to the place, and sees how it would be deployed once it is mended', async ({
  medusa,
  chromium,
}) => {
  const admin = await openAdministrator(chromium, medusa);
  const { page } = admin;
  await admin.show('manifests');
  const editor = page.getByTestId('document-text');

  await editor.fill(brokenManifest);
  const problem = page.locator('[data-testid="document-problem"][data-line="4"]').first();
  await expect(problem).toBeVisible();
  await problem.click();
  await expect(editor).toBeFocused();
  expect(await cursorLine(page)).toBe(4);

  await editor.fill(brokenManifest.replace('many', '1'));
  await expect(page.getByTestId('document-good')).toBeVisible();
  await expect(page.getByTestId('document-problems')).toContainText('Base system');
  await expect(page.locator('[data-testid="plan-box"][data-id="reading-viewer"]')).toBeVisible();

  await page.getByTestId('manifest-form').getByText('JSON').click();
  await expect(editor).toHaveValue(/"name": "reading"/);
  await editor.fill('{\n  "name": "reading",\n}');
  await expect(page.locator('[data-testid="document-problem"][data-line="3"]')).toBeVisible();

  await page.getByTestId('manifest-open-near-data').click();
  await expect(page.getByTestId('plan-steps')).toContainText('reader');
  await admin.pick('manifest-provider', /local|computer/i);
  await expect(page.getByTestId('plan-steps')).toContainText('does not fit');
  await expect(page.getByTestId('plan-release').getByRole('listitem').first()).toContainText('viewer');
  await page.context().close();
});

test('an administrator agrees upon a guarantee, and sees it fulfilled, then violated, what that costs, and the events of the figure', async ({
  medusa,
  chromium,
}) => {
  const admin = await openAdministrator(chromium, medusa);
  const { page } = admin;
  await admin.show('agreements');
  const view = page.getByTestId('agreements-view');
  await view.getByText('Write').click();
  await page.getByTestId('document-text').fill(documentOf('Template').replace('GE 90%', 'GE'));
  await expect(page.locator('[data-testid="document-problem"][data-line="14"]').first()).toBeVisible();
  await expect(page.getByTestId('agreement-send')).toBeDisabled();
  await page.getByTestId('document-text').fill(documentOf('Template'));
  await page.getByTestId('agreement-send').click();
  await expect(page.getByTestId('template-list')).toContainText('link');

  await view.getByText('Write').click();
  await page.getByTestId('agreement-kind').getByText('an agreement').click();
  await page.getByTestId('document-text').fill(documentOf('Agreement'));
  await page.getByTestId('agreement-send').click();
  const row = page.locator('[data-testid="agreement-row"][data-id="north"]');
  await expect(row).toContainText('Hospital North');
  await row.getByTestId('agreement-open').click();
  await expect(page.getByTestId('agreement-state')).toHaveAttribute('data-state', 'Pending');
  await page.getByTestId('agreement-act-accept').click();
  await admin.confirmPlan();
  await expect(page.getByTestId('agreement-state')).toHaveAttribute('data-state', 'Observed');

  const guarantee = page.locator('[data-testid="guarantee"][data-name="fast-link"]');
  await expect(guarantee).toHaveAttribute('data-state', 'NotDetermined');
  await expect(guarantee.getByTestId('guarantee-why')).not.toBeEmpty();

  // Both are of one window: what is told late opens it again.
  const at = new Date().toISOString();
  await tell(medusa, { id: 'slow-lan', at, value: 10, lan: 54 });
  await tell(medusa, { id: 'good', at, value: 900 });
  await expect(guarantee).toHaveAttribute('data-state', 'Fulfilled', { timeout: 90_000 });
  await tell(medusa, { id: 'bad', at, value: 20 });
  await expect(guarantee).toHaveAttribute('data-state', 'Violated', { timeout: 40_000 });
  await expect(guarantee.getByTestId('guarantee-why')).toHaveText('The target was missed.');
  await expect(guarantee).toContainText('= 0.5, n = 2');
  const leftOut = '1 event for which the condition does not hold';
  await expect(guarantee.getByTestId('window-left-out')).toContainText(leftOut);
  await expect(guarantee.getByTestId('guarantee-budget')).toContainText('1 of 0.2');
  await expect(guarantee.getByTestId('burn-chart')).toBeVisible();
  await expect(page.getByTestId('agreement-alerts')).toContainText('fast-link is violated');

  await page.getByTestId('agreement-ledger').click();
  await expect(page.locator('[data-testid="ledger-line"][data-purpose="penalty"]').first()).toContainText(
    '25.00 EUR',
  );
  await page.getByTestId('ledger-verify').click();
  await expect(page.getByTestId('ledger-verdict')).toHaveAttribute('data-kind', 'intact');

  await page.getByTestId('agreement-report').click();
  await page.getByTestId('report-show').click();
  await expect(page.getByTestId('report-signature')).toHaveAttribute('data-good', 'true');
  await expect(page.getByTestId('report-totals')).toContainText('25.00 EUR');
  await page.getByTestId('report-windows').getByRole('button').first().click();
  await expect(page.getByTestId('report-events').getByRole('row')).toHaveCount(3);
  await expect(page.getByTestId('window-left-out')).toContainText(leftOut);
  const downloading = page.waitForEvent('download');
  await page.getByTestId('report-pdf').click();
  const file = await downloading;
  expect(file.suggestedFilename()).toMatch(/^north-20\d\d-\d\d\.pdf$/);
  expect(
    readFileSync(await file.path())
      .subarray(0, 5)
      .toString(),
  ).toBe('%PDF-');

  await page.getByTestId('agreement-document').click();
  await expect(page.getByTestId('agreement-signature')).toHaveAttribute('data-good', 'true');
  await page.getByTestId('agreement-act-terminate').click();
  await admin.confirmPlan();
  await expect(page.getByTestId('agreement-state')).toHaveAttribute('data-state', 'Terminated');
  await page.context().close();
});
