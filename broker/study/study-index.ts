import { TypedEmitter } from '@medusa/kernel';
import { AppError, type NodeId, type StudySummary } from '@medusa/protocol';

export type StudySearch = {
  /** Words of which each must occur in the name, id, accession number or description. */
  readonly text?: string | undefined;
  readonly modality?: string | undefined;
  /** `YYYYMMDD`, inclusive. */
  readonly dateFrom?: string | undefined;
  readonly dateTo?: string | undefined;
  readonly limit: number;
  readonly offset: number;
};

/** One storage node's index: a node set up anew has another `indexId`. */
export type StudySource = { readonly nodeId: NodeId; readonly indexId: string };

export type StudyPage = {
  readonly studies: readonly StudySummary[];
  /** Counted to 10,000: as many, or more. */
  readonly total: number;
};

/** Where the worklist is kept. `save` stores the batch and its cursor in one transaction. */
export interface StudyStore {
  cursor(source: StudySource): Promise<number>;
  save(source: StudySource, studies: readonly StudySummary[]): Promise<void>;
  /** Unless something of it came later. */
  remove(studyInstanceUID: string, at: string): Promise<void>;
  search(search: StudySearch): Promise<StudyPage>;
  find(studyInstanceUID: string): Promise<{ study: StudySummary; nodeId: NodeId } | undefined>;
  /** Who sent the latest object of any study, each once, in order. */
  senders(): Promise<readonly string[]>;
}

/** The worklist as the storage nodes tell it. */
export class StudyIndex {
  readonly events: TypedEmitter<{ changed: [studies: readonly StudySummary[]] }>;
  readonly #store: StudyStore;

  constructor(store: StudyStore, report: (error: unknown) => void) {
    this.#store = store;
    this.events = new TypedEmitter(report);
  }

  /** AE titles of the peers that storage nodes received studies from. */
  async senders(): Promise<readonly string[]> {
    return (await this.#store.senders()).filter((sender) => sender !== '' && sender !== 'STOW-RS');
  }

  /** The last change that was stored: the storage node sends what came after. */
  async cursor(source: StudySource): Promise<number> {
    return this.#store.cursor(source);
  }

  /** Stored before it is told, so that an acknowledged change survives a crash. */
  async apply(source: StudySource, studies: readonly StudySummary[]): Promise<void> {
    if (studies.length === 0) return;
    await this.#store.save(source, studies);
    this.events.emit('changed', studies);
  }

  /** No storage node has it any more. */
  async remove(studyInstanceUID: string, at: string): Promise<void> {
    await this.#store.remove(studyInstanceUID, at);
  }

  async search(search: StudySearch): Promise<StudyPage> {
    return this.#store.search(search);
  }

  /** The storage node that told of the study, if any did. */
  async findNode(studyInstanceUID: string): Promise<NodeId | undefined> {
    return (await this.#store.find(studyInstanceUID))?.nodeId;
  }

  async get(studyInstanceUID: string): Promise<{ study: StudySummary; nodeId: NodeId }> {
    const found = await this.#store.find(studyInstanceUID);
    if (!found) throw new AppError('study.unknown', 'No storage node has told of this study');
    return found;
  }
}

/** `DOE^JANE` → `DOE, JANE`, or else the patient ID, with the description: the heading of a session. */
export function studyTitle(study: StudySummary): string {
  const [family = '', given = ''] = study.patientName.split('^');
  const name = [family, given].filter((part) => part !== '').join(', ') || study.patientID;
  return [name, study.studyDescription].filter((part) => part !== '').join(' · ') || 'Untitled study';
}
