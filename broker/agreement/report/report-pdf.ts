import type { AgreementReport } from '@medusa/protocol';
import PDFDocument from 'pdfkit';
import { formatMinor } from '../evaluation/index.ts';

const margin = 50;
const width = 495;
const colours = {
  fulfilled: '#2f9e44',
  violated: '#e03131',
  notDetermined: '#adb5bd',
  line: '#1971c2',
  text: '#212529',
};

/** The report as pages of A4: totals, how each guarantee did, and what came to be owed over time. */
export async function renderReportPdf(report: AgreementReport, signature: string): Promise<Buffer> {
  const document = new PDFDocument({
    size: 'A4',
    margin,
    info: { Title: `Agreement ${report.agreementId}` },
  });
  const parts: Buffer[] = [];
  const whole = new Promise<Buffer>((resolve, reject) => {
    document.on('data', (part: Buffer) => parts.push(part));
    document.on('end', () => resolve(Buffer.concat(parts)));
    document.on('error', reject);
  });
  drawHead(document, report);
  drawGuarantees(document, report);
  drawBalance(document, report);
  drawEntries(document, report);
  document
    .moveDown()
    .fontSize(6)
    .fillColor(colours.text)
    .text(`Signature (JWS, RFC 7515) of these figures: ${digestOf(signature)}`, margin);
  document.end();
  return whole;
}

type Page = InstanceType<typeof PDFDocument>;

/** The last part of the compact form is the signature itself. */
function digestOf(signature: string): string {
  return signature.slice(signature.lastIndexOf('.') + 1);
}

function drawHead(
  document: Page,
  { agreementId, customer, provider, from, to, generatedAt, totals }: AgreementReport,
): void {
  document.fillColor(colours.text).fontSize(18).text(`Agreement ${agreementId}`);
  document.fontSize(10).text(`${customer}, served by ${provider}`);
  document.text(`${from.slice(0, 10)} to ${to.slice(0, 10)} (UTC), written ${generatedAt}`).moveDown();
  for (const { debtor, currency, amount } of totals)
    document.text(`Owed by the ${wordsOf(debtor)}: ${amount} ${currency}`);
  if (totals.length === 0) document.text('Nothing is owed.');
}

function wordsOf(debtor: string): string {
  return debtor === 'ServiceProvider' ? 'provider' : 'customer';
}

/** A bar for each guarantee: the parts of its windows that were fulfilled, violated, not determined. */
function drawGuarantees(document: Page, { guarantees }: AgreementReport): void {
  heading(document, 'Guarantees (green: fulfilled, red: violated, grey: not determined)');
  for (const { name, windows, budget } of guarantees) {
    const total = Math.max(1, windows.fulfilled + windows.violated + windows.notDetermined);
    const words = `${name}: ${windows.fulfilled} / ${windows.violated} / ${windows.notDetermined}`;
    const left = budget ? `, error budget left ${(budget.left * 100).toFixed(0)} %` : '';
    makeRoom(document, 40);
    document
      .fontSize(9)
      .fillColor(colours.text)
      .text(words + left, margin);
    let x = margin;
    for (const state of ['fulfilled', 'violated', 'notDetermined'] as const) {
      const part = (windows[state] / total) * width;
      if (part > 0) document.rect(x, document.y + 1, part, 8).fill(colours[state]);
      x += part;
    }
    document.y += 16;
  }
}

/** What the provider owes, in steps over the span, for the currency of the first entry. */
function drawBalance(document: Page, { entries, from, to }: AgreementReport): void {
  const currency = entries[0]?.currency;
  if (currency === undefined) return;
  const own = entries
    .filter((entry) => entry.currency === currency)
    .toSorted((a, b) => (a.windowTo < b.windowTo ? -1 : 1));
  let sum = 0n;
  const points = own.map(({ windowTo, debtor, amountMinor }) => {
    sum += debtor === 'ServiceProvider' ? BigInt(amountMinor) : -BigInt(amountMinor);
    return { at: Date.parse(windowTo), sum: Number(sum) };
  });
  heading(
    document,
    `Balance in favour of the customer, at the end ${formatMinor(sum, currency)} ${currency}`,
  );
  makeRoom(document, 120);
  const sums = [0, ...points.map((point) => point.sum)];
  const [low, high] = [Math.min(...sums), Math.max(...sums)];
  const [top, height] = [document.y, 90];
  const xOf = (at: number): number =>
    margin + ((at - Date.parse(from)) / (Date.parse(to) - Date.parse(from))) * width;
  const yOf = (value: number): number => top + height - ((value - low) / Math.max(1, high - low)) * height;
  document.rect(margin, top, width, height).lineWidth(0.5).stroke(colours.notDetermined);
  document.moveTo(margin, yOf(0));
  let before = 0;
  for (const point of points) {
    document.lineTo(xOf(point.at), yOf(before)).lineTo(xOf(point.at), yOf(point.sum));
    before = point.sum;
  }
  document
    .lineTo(margin + width, yOf(before))
    .lineWidth(1.2)
    .stroke(colours.line);
  document.y = top + height + 8;
}

function drawEntries(document: Page, { entries }: AgreementReport): void {
  if (entries.length === 0) return;
  heading(document, 'Ledger');
  for (const {
    sequence,
    guarantee,
    kind,
    purpose,
    windowFrom,
    amountMinor,
    currency,
    debtor,
    reason,
  } of entries) {
    makeRoom(document, 12);
    const amount = `${formatMinor(BigInt(amountMinor), currency)} ${currency}`;
    const words = `${sequence}  ${windowFrom.slice(0, 16)}  ${guarantee}  ${purpose} ${kind}  ${amount} by the ${wordsOf(debtor)}  (${reason})`;
    document.fontSize(7).fillColor(colours.text).text(words, margin);
  }
}

function heading(document: Page, text: string): void {
  makeRoom(document, 40);
  document.moveDown().fontSize(12).fillColor(colours.text).text(text, margin).moveDown(0.3);
}

function makeRoom(document: Page, height: number): void {
  if (document.y + height > document.page.height - margin) document.addPage();
}
