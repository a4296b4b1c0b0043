import { launchBrowser } from '../support/browser.ts';
import { ctFolder } from '../support/fixtures.ts';
import { startMedusa } from '../support/medusa.ts';
import { startOrthanc } from '../support/orthanc.ts';
import { openPerson, type Person } from '../support/viewer-page.ts';

/** An instance with the CT series, sent by Orthanc, and a radiologist who is logged in. */
export async function startScene(): Promise<AsyncDisposable & { readonly person: Person }> {
  await using starting = new AsyncDisposableStack();
  const medusa = starting.use(await startMedusa());
  const orthanc = starting.use(await startOrthanc({ aeTitle: 'MEDUSA', port: medusa.dicomPort }));
  await orthanc.upload(ctFolder);
  await orthanc.push();
  const browser = starting.use(await launchBrowser(medusa.caFile));
  const person = await openPerson(browser, medusa);
  await person.logIn('radiologist');
  const running = starting.move();
  return { person, [Symbol.asyncDispose]: async () => running.disposeAsync() };
}
