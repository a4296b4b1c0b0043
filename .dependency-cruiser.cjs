/** The layers of ARCHITECTURE.md, kept by a machine. */
const only = (name, from, allowed) => ({
  name,
  severity: 'error',
  from: { path: from },
  to: { path: '^(broker|renderer|client|infra|test)/', pathNot: allowed },
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    only('kernel-stands-alone', '^broker/kernel/', '^broker/kernel/'),
    only('the-contract-knows-no-one', '^broker/protocol/', '^broker/protocol/'),
    only('client-knows-the-contract', '^client/', '^(client/|broker/(protocol|kernel)/)'),
    only('renderer-knows-the-contract', '^renderer/', '^(renderer/|broker/(protocol|kernel)/)'),
    only('storage-knows-the-contract', '^infra/storage/', '^(infra/storage/|broker/(protocol|kernel)/)'),
    only('broker-knows-no-other-room', '^broker/', '^broker/'),
    only(
      'set-up-uses-front-doors',
      '^infra/setup/',
      '^(infra/setup/|broker/(protocol|kernel)/|broker/(identity/(broker-keys|scripted-login)|embedded/index)[.]ts$)',
    ),
    {
      name: 'front-doors-only',
      comment: 'Another feature is reached through its index.ts.',
      severity: 'error',
      from: {
        path: '^(broker|renderer)/([^/]+)/',
        pathNot: '[.](test|contract|stand-in)[.]ts$|^(broker/support|renderer/test-support)/',
      },
      to: {
        path: '^(broker|renderer)/[^/]+/',
        pathNot: ['^$1/$2/', '/index[.]ts$', '^broker/(kernel|protocol)/', 'node_modules/'],
      },
    },
    {
      name: 'features-below-edges',
      severity: 'error',
      from: {
        path: '^broker/[^/]+/',
        pathNot: '^broker/(http|realtime|persistence|kernel|protocol|support)/|[.]test[.]ts$',
      },
      to: { path: '^broker/(http|realtime|persistence)/' },
    },
    {
      name: 'features-know-no-edge-library',
      severity: 'error',
      from: {
        path: '^broker/[^/]+/',
        pathNot: '^broker/(http|realtime|persistence|identity|embedded|support)/|[.]test[.]ts$',
      },
      to: { path: 'node_modules/(express|socket[.]io|kysely|pg)/' },
    },
    {
      name: 'workstation-stands-alone',
      severity: 'error',
      from: { path: '^client/(workstation|slides)/' },
      to: { path: '^client/(core|stream|features|ui)/' },
    },
    {
      name: 'core-knows-no-framework',
      severity: 'error',
      from: { path: '^client/(core|stream)/', pathNot: '[.]test[.]ts$' },
      to: { path: ['^client/(features|ui)/', 'node_modules/(react|react-dom|@mantine)/'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)([.]tsc|dist)/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
