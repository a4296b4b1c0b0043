import { z } from 'zod';
import { parseParameters } from './parameters.ts';
import { createAgentSurroundings, createViewerSurroundings } from './reporting.ts';
import './workstation.css';
import { scaleInterface } from './interface-scale.ts';
import { element, refuse } from './page-parts.ts';
import { splitPage } from './screens.ts';
import { Workstation } from './workstation.ts';

// The page's content security policy forbids code made from text; zod would try it and fall back.
z.config({ jitless: true });

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
  surroundings.followSeam(splitPage);
  void workstation.start();
}
