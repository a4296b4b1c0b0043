import { actionOf, identifierOf, immutable, required } from './category.ts';
import { linkKindOf, resourceKindOf } from './core.ts';
import { mixinOf } from './infrastructure.ts';

/** GFD.227. */
const scheme = 'http://schemas.ogf.org/occi/platform#';
const states = ['active', 'inactive', 'error'];
const actions = ['start', 'stop'].map((term) =>
  actionOf('http://schemas.ogf.org/occi/platform/action#', term),
);

export const applicationKind = resourceKindOf({
  ...{ scheme, term: 'application', title: 'Application', actions },
  attributes: {
    'occi.app.name': required('string'),
    'occi.app.context': immutable('string', { description: 'URL' }),
    'occi.app.url': immutable('string', { description: 'URL' }),
    'occi.app.state': immutable('string', { values: states }),
    'occi.app.state.message': immutable('string'),
  },
});

export const componentKind = resourceKindOf({
  ...{ scheme, term: 'component', title: 'Component', actions },
  attributes: {
    'occi.component.state': immutable('string', { values: states }),
    'occi.component.state.message': immutable('string'),
  },
});

export const componentLinkKind = linkKindOf({ scheme, term: 'componentlink', title: 'Component link' });

export const databaseMixin = mixinOf({
  ...{ scheme, term: 'database', title: 'Database' },
  applies: [identifierOf(componentKind)],
  attributes: { 'occi.database.version': immutable('string') },
});

export const databaseLinkMixin = mixinOf({
  ...{ scheme, term: 'databaselink', title: 'Database link' },
  applies: [identifierOf(componentLinkKind)],
  attributes: {
    'occi.database.uri': immutable('string'),
    'occi.database.username': immutable('string'),
    'occi.database.token': immutable('string'),
  },
});

export const applicationTemplateMixin = mixinOf({
  ...{ scheme, term: 'app_tpl', title: 'Application template' },
  applies: [identifierOf(applicationKind)],
});
