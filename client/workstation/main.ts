import { z } from 'zod';
import { parseParameters } from './parameters.ts';
import { createAgentSurroundings, createViewerSurroundings } from './reporting.ts';
import './workstation.css';
import { scaleInterface } from './interface-scale.ts';
import { Workstation } from './workstation.ts';

// The page's content security policy forbids code made from text; zod would try it and fall back.
z.config({ jitless: true });

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element ${id}.`);
  return found;
}

function refuse(complaints: readonly string[]): void {
  const page = document.createElement('main');
  page.className = 'refusal';
  const title = document.createElement('h1');
  title.textContent = 'This address does not open a study';
  const list = document.createElement('ul');
  list.append(
    ...complaints.map((complaint) => {
      const item = document.createElement('li');
      item.textContent = complaint;
      return item;
    }),
  );
  page.append(title, list);
  document.body.replaceChildren(page);
}

const parameters = parseParameters(location.search);
if ('complaints' in parameters) refuse(parameters.complaints);
else {
  const surroundings =
    parameters.mode === 'streamed'
      ? createAgentSurroundings(location.origin)
      : createViewerSurroundings(window);
  const workstation = new Workstation(parameters, surroundings, {
    toolbar: element('toolbar'),
    rail: element('rail'),
    stage: element('stage'),
    notices: element('notices'),
  });
  surroundings.followScale(scaleInterface);
  void workstation.start();
}
