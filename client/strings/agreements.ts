/** What administrators read about service level agreements. */
export const agreementStrings = {
  intro: 'Who owes what to whom (WS-Agreement), judged by what was measured.',
  views: { agreements: 'Agreements', templates: 'Templates and offers', write: 'Write' },
  none: 'There are no agreements. Write a template first, then an agreement that names it.',
  back: 'All agreements',
  agreement: 'Agreement',
  customer: 'Customer',
  state: 'State',
  worst: 'Worst guarantee',
  budgetLeft: 'Budget left',
  template: 'Template',
  created: 'Made',
  observed: 'Observed since',
  evaluated: 'Evaluated',
  ends: 'Ends',
  open: 'Open',
  openNamed: (id: string): string => `Open agreement ${id}`,
  states: { NotDetermined: 'Not determined', Fulfilled: 'Fulfilled', Violated: 'Violated' },
  suspended: 'suspended',
  acts: {
    accept: 'Accept',
    reject: 'Reject',
    suspend: 'Suspend',
    resume: 'Resume',
    terminate: 'Terminate',
  },
  supersedes: 'Supersedes',
  supersededBy: 'Superseded by',
  documentSigned: 'The signature is of this document',
  documentUnsigned: 'The signature does not fit this document',
  agreedBy: (who: string, at: string): string => `Accepted by ${who}, ${at}`,
  downloadSigned: 'Signed document (JSON)',
  actTitle: (act: string, id: string): string => `${act} agreement ${id}`,
  actWarnings: {
    accept: 'From now on its guarantees are watched, and penalties and rewards are booked.',
    reject: 'A rejected agreement cannot be accepted any more.',
    suspend: 'Until it is resumed nothing that happens counts for anybody.',
    resume: 'From now on what happens counts again.',
    terminate: 'It ends now and cannot be brought back.',
  },
  parts: {
    guarantees: 'Guarantees',
    ledger: 'Ledger',
    report: 'Monthly report',
    document: 'Document',
    history: 'History',
  },
  noGuarantees: 'This agreement guarantees nothing.',
  objective: 'Target',
  figure: 'Figures',
  window: 'Latest window',
  qualifying: 'Only when',
  scope: 'Of',
  everything: 'everything',
  obligated: 'Owed by',
  obligatedNames: { ServiceProvider: 'the provider', ServiceConsumer: 'the customer' },
  why: {
    Fulfilled: 'The target was met.',
    Violated: 'The target was missed.',
    'no-window': 'No window has ended yet.',
    'no-events': 'Nothing that counts was measured in this window.',
    'too-few': (least: number): string => `Too little was measured: at least ${least} events are needed.`,
    uncertain: 'What was measured does not tell.',
  },
  budget: (left: string, used: string, allowed: string): string =>
    `Error budget of this month: ${left} left (${used} of ${allowed} bad events used)`,
  noBudget: 'No error budget: nothing was measured this month.',
  burn: 'Burn rate of each window, in times of what is allowed',
  burnAt: (at: string, rate: string): string => `${at}: ${rate} ×`,
  strip: 'How the latest windows did',
  alerts: 'Alerts',
  noAlerts: 'No alerts.',
  alertKinds: { violated: 'violated', page: 'urgent', ticket: 'soon' },
  ledgerEmpty: 'Nothing was booked.',
  verify: 'Verify the ledger',
  intact: (lines: number): string =>
    `The chain is intact: ${lines === 1 ? '1 line' : `${lines} lines`} of all agreements`,
  broken: (sequence: number, reason: string): string => `The chain is broken at line ${sequence}: ${reason}`,
  ledger: {
    sequence: '#',
    at: 'Booked',
    guarantee: 'Guarantee',
    what: 'What',
    window: 'For the window from',
    debtor: 'Owed by',
    amount: 'Amount',
    reason: 'Reason',
  },
  purposes: { penalty: 'penalty', reward: 'reward' },
  reversal: (of: number): string => `takes back #${of}`,
  reversedBy: (by: number): string => `taken back by #${by}`,
  month: 'Month (UTC)',
  showReport: 'Show report',
  reportHint: 'Who reads a report is on the audit trail.',
  pdf: 'PDF',
  json: 'JSON',
  signed: 'The signature is of these figures',
  unsigned: 'The signature does not fit these figures',
  nothingOwed: 'Nothing is owed.',
  owed: (who: string, amount: string): string => `Owed by ${who}: ${amount}`,
  counts: (fulfilled: number, violated: number, open: number): string =>
    `${fulfilled} fulfilled, ${violated} violated, ${open} not determined`,
  madeFrom: (events: number): string => `Made from ${events} events.`,
  noWindows: 'No window that has events ended in this month.',
  latestOf: (shown: number, all: number): string => `The latest ${shown} of ${all} windows that have events`,
  windowColumn: 'Window',
  events: 'Events',
  eventColumns: { at: 'At', indicator: 'Indicator', value: 'Value', on: 'Of', conditions: 'Circumstances' },
  noEvents: 'These events are not kept any more.',
  noneCounted: 'No event counted.',
  leftOut: 'Left out of this window:',
  leftOutReasons: {
    unqualified: (events: string): string => `${events} for which the condition does not hold`,
    untold: (events: string): string => `${events} that do not tell whether it holds`,
    inactive: (events: string): string => `${events} while the agreement was not observed, or suspended`,
  },
  eventCount: (events: number): string => (events === 1 ? '1 event' : `${events} events`),
  templates: 'Templates',
  noTemplates: 'There are no templates.',
  changeable: 'May be changed',
  nothing: 'nothing',
  edit: 'Edit',
  use: 'Use',
  useNamed: (id: string): string => `Write an agreement from template ${id}`,
  editNamed: (id: string): string => `Edit template ${id}`,
  offers: 'Offers',
  noOffers: 'There are no offers.',
  offer: 'Offer',
  expires: 'Expires',
  faults: 'What does not fit',
  agree: 'Make agreement',
  offerActs: { solicit: 'Ask for an answer', accept: 'Accept', reject: 'Reject' },
  offerActTitle: (act: string, id: string): string => `${act}: offer ${id}`,
  agreeTitle: (id: string): string => `Make a pending agreement of ${id}`,
  kind: 'This is',
  kinds: { agreement: 'an agreement', offer: 'an offer', template: 'a template' },
  editor: 'Document',
  good: 'This can be sent',
  send: { agreement: 'Make agreement', offer: 'Make offer', template: 'Keep template' },
  started: `<?xml version="1.0" encoding="UTF-8"?>
<wsag:Template wsag:TemplateId="reading" xmlns:wsag="http://schemas.ggf.org/graap/2007/03/ws-agreement" xmlns:medusa="urn:medusa:agreement" xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <wsag:Name>Reading</wsag:Name>
  <wsag:Context>
    <wsag:AgreementInitiator>hospital</wsag:AgreementInitiator>
    <wsag:AgreementResponder>medusa</wsag:AgreementResponder>
    <wsag:ServiceProvider>AgreementResponder</wsag:ServiceProvider>
  </wsag:Context>
  <wsag:Terms>
    <wsag:All>
      <wsag:ServiceDescriptionTerm wsag:Name="workstation" wsag:ServiceName="workstation">
        <medusa:Manifest medusa:Name="workstation"/>
      </wsag:ServiceDescriptionTerm>
      <wsag:GuaranteeTerm wsag:Name="available" wsag:Obligated="ServiceProvider">
        <wsag:ServiceScope wsag:ServiceName="workstation"/>
        <wsag:QualifyingCondition>device.tier EQ 'production'</wsag:QualifyingCondition>
        <wsag:ServiceLevelObjective>
          <wsag:KPITarget>
            <wsag:KPIName>session.availability</wsag:KPIName>
            <wsag:Target medusa:Window="P1D" medusa:MinimumSamples="20">session.availability GE 99%</wsag:Target>
          </wsag:KPITarget>
        </wsag:ServiceLevelObjective>
        <wsag:BusinessValueList>
          <wsag:Penalty>
            <wsag:AssessmentInterval>
              <wsag:TimeInterval>P1D</wsag:TimeInterval>
            </wsag:AssessmentInterval>
            <wsag:ValueUnit>EUR</wsag:ValueUnit>
            <wsag:ValueExpression>25.00</wsag:ValueExpression>
          </wsag:Penalty>
        </wsag:BusinessValueList>
      </wsag:GuaranteeTerm>
    </wsag:All>
  </wsag:Terms>
</wsag:Template>
`,
} as const;
