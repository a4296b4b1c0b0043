import type { EntityView } from '@medusa/protocol';
import type { EntityInput } from '../../../core/entity-api.ts';

/** An entity as it stands in the form: texts are what was typed. */
export type EntityDraft = {
  readonly title: string;
  readonly note: string;
  readonly host: string;
  readonly port: number | string;
  readonly isTls: boolean;
  readonly fingerprints: string;
  readonly may: readonly string[];
  readonly sopClasses: string;
  readonly quota: number | string;
  readonly forwardTo: readonly string[];
  readonly hasPriors: boolean;
  readonly most: number | string;
  readonly modalities: string;
  readonly by: 'move' | 'get';
  readonly isProbed: boolean;
};

export function newDraft(title = ''): EntityDraft {
  return {
    ...{
      title,
      note: '',
      host: '',
      port: 104,
      isTls: true,
      fingerprints: '',
      may: ['store'],
      sopClasses: '',
    },
    ...{ quota: '', forwardTo: [], hasPriors: false, most: 5, modalities: '', by: 'move', isProbed: true },
  };
}

export function draftOf({ title, wish }: Pick<EntityView, 'title' | 'wish'>): EntityDraft {
  const { note, host, port, tls, fingerprints, may, sopClasses, mostGiBPerDay, forwardTo, priors } = wish;
  return {
    ...{ title, note, host: host ?? '', port: port ?? 104, isTls: tls === 'required', may, forwardTo },
    fingerprints: fingerprints.join('\n'),
    sopClasses: sopClasses.join('\n'),
    quota: mostGiBPerDay ?? '',
    hasPriors: priors !== null,
    most: priors?.most ?? 5,
    modalities: priors?.modalities.join(', ') ?? '',
    by: priors?.by ?? 'move',
    isProbed: wish.isProbed,
  };
}

/** As it is sent. What is wrong with it the broker says. */
export function inputOf(draft: EntityDraft): EntityInput {
  const host = draft.host.trim();
  return {
    note: draft.note,
    host: host === '' ? null : host,
    port: host === '' ? null : Number(draft.port),
    tls: draft.isTls ? 'required' : 'off',
    fingerprints: draft.isTls ? words(draft.fingerprints) : [],
    may: draft.may as EntityInput['may'],
    sopClasses: words(draft.sopClasses),
    mostGiBPerDay: draft.quota === '' ? null : Number(draft.quota),
    forwardTo: [...draft.forwardTo],
    priors: draft.hasPriors
      ? { most: Number(draft.most), modalities: words(draft.modalities.toUpperCase()), by: draft.by }
      : null,
    isProbed: draft.isProbed,
  };
}

function words(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '');
}
