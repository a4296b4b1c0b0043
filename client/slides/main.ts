import { z } from 'zod';
import { element, refuse } from '../workstation/page-parts.ts';
import { parseParameters } from '../workstation/parameters.ts';
import { createAgentSurroundings, createViewerSurroundings } from '../workstation/reporting.ts';
import '../workstation/workstation.css';
import './slides.css';
import { SlidePage } from './slide-page.ts';

// The page's content security policy forbids code made from text; zod would try it and fall back.
z.config({ jitless: true });

const parameters = parseParameters(location.search);
if ('complaints' in parameters) refuse(parameters.complaints);
else {
  const surroundings =
    parameters.mode === 'streamed'
      ? createAgentSurroundings(location.origin)
      : createViewerSurroundings(window);
  const page = new SlidePage(parameters, surroundings, {
    toolbar: element('toolbar'),
    rail: element('rail'),
    stage: element('stage'),
    status: element('status'),
    notices: element('notices'),
  });
  surroundings.followScale((scale) => {
    document.documentElement.style.setProperty('--interface-scale', `${scale}`);
  });
  void page.start();
}
