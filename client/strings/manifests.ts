/** What administrators read about manifests. */
export const manifestStrings = {
  intro:
    'What can be deployed, described as CORDS manifests. A manifest that is written here is checked as you type; nothing is deployed.',
  catalogue: 'Catalogue',
  noManifests: 'There are no manifests.',
  name: 'Name',
  about: 'About',
  nodes: 'Nodes',
  open: 'Open',
  openNamed: (name: string): string => `Open manifest ${name}`,
  fresh: 'New',
  editor: 'Manifest',
  form: 'Form',
  provider: 'Fitted to',
  anyProvider: 'no provider',
  good: 'No errors',
  sections: {
    'base-system': 'Base system',
    dependencies: 'Dependencies',
    configuration: 'Configuration',
    'pre-start': 'Before the start',
    security: 'Security',
    account: 'Owner',
    termination: 'Termination',
    interaction: 'Needs a person',
  },
  plan: 'How it would be deployed',
  planHelp: 'From left to right: each box waits for those from which lines come.',
  noPlan: 'There is no plan while there are errors.',
  emptyPlan: 'Nothing would be made.',
  order: 'In this order',
  what: 'What',
  node: 'Node',
  waitsFor: 'Waits for',
  waitsForNothing: 'nothing',
  fit: 'Size and image',
  fits: (size: string, image: string): string => `${size}, ${image}`,
  unfit: 'does not fit',
  release: 'How it would be released',
  releaseHelp: 'Each waits for the one before it.',
  shared: 'shared: stays when others need it',
  resources: (names: string): string => `then away with ${names}`,
  started: `<?xml version="1.0" encoding="UTF-8"?>
<manifest xmlns="http://www.compatibleone.fr/schemes/manifest.xsd" name="my-application">
  <node name="viewer" profile="x11" type="simple">
    <infrastructure name="viewer">
      <compute cores="1" memory="1G"/>
    </infrastructure>
    <image name="medusa-render" agent="medusa">
      <system name="bookworm" version="12" distribution="debian"/>
    </image>
  </node>
  <description>What it is for.</description>
</manifest>
`,
} as const;
