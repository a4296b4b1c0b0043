/** The index of one storage node. Search keys are columns, values decoded to Unicode; the rest is DICOM JSON. */
export const schema = `
CREATE TABLE IF NOT EXISTS meta (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS study (
  study_instance_uid TEXT PRIMARY KEY,
  patient_name TEXT NOT NULL,
  patient_id TEXT NOT NULL,
  patient_birth_date TEXT NOT NULL,
  patient_sex TEXT NOT NULL,
  accession_number TEXT NOT NULL,
  study_id TEXT NOT NULL,
  study_date TEXT NOT NULL,
  study_time TEXT NOT NULL,
  study_description TEXT NOT NULL,
  referring_physician_name TEXT NOT NULL,
  attributes TEXT NOT NULL,
  series INTEGER NOT NULL DEFAULT 0,
  instances INTEGER NOT NULL DEFAULT 0,
  first_received_at TEXT NOT NULL,
  last_received_at TEXT NOT NULL,
  received_from TEXT NOT NULL,
  change INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS study_by_change ON study (change);
CREATE INDEX IF NOT EXISTS study_by_patient ON study (patient_id);
-- Each holds what the order of an answer needs, so that a page is found without a look at the studies that are not on it.
CREATE INDEX IF NOT EXISTS study_newest ON study (study_date DESC, study_time DESC, study_instance_uid);
CREATE INDEX IF NOT EXISTS study_by_name
  ON study (patient_name COLLATE NOCASE, study_date DESC, study_time DESC, study_instance_uid);
-- The names of which an ideographic or phonetic group may match.
CREATE INDEX IF NOT EXISTS study_name_groups ON study (patient_name) WHERE instr(patient_name, '=') > 0;
DROP INDEX IF EXISTS study_by_date;
CREATE INDEX IF NOT EXISTS study_by_accession ON study (accession_number);

CREATE TABLE IF NOT EXISTS series (
  study_instance_uid TEXT NOT NULL REFERENCES study,
  series_instance_uid TEXT NOT NULL,
  modality TEXT NOT NULL,
  series_number INTEGER,
  series_date TEXT NOT NULL,
  series_time TEXT NOT NULL,
  series_description TEXT NOT NULL,
  body_part_examined TEXT NOT NULL,
  performed_procedure_step_start_date TEXT NOT NULL,
  performed_procedure_step_start_time TEXT NOT NULL,
  attributes TEXT NOT NULL,
  instances INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (study_instance_uid, series_instance_uid)
) STRICT;

CREATE INDEX IF NOT EXISTS series_modality ON series (study_instance_uid, modality);

CREATE TABLE IF NOT EXISTS instance (
  sop_instance_uid TEXT PRIMARY KEY,
  study_instance_uid TEXT NOT NULL,
  series_instance_uid TEXT NOT NULL,
  sop_class_uid TEXT NOT NULL,
  instance_number INTEGER,
  transfer_syntax_uid TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  data_offset INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  metadata TEXT NOT NULL,
  layout TEXT NOT NULL,
  received_at TEXT NOT NULL,
  received_from TEXT NOT NULL,
  FOREIGN KEY (study_instance_uid, series_instance_uid) REFERENCES series
) STRICT;
CREATE INDEX IF NOT EXISTS instance_by_series
  ON instance (study_instance_uid, series_instance_uid, instance_number, sop_instance_uid);
CREATE INDEX IF NOT EXISTS instance_by_content ON instance (sha256);
CREATE INDEX IF NOT EXISTS instance_by_class ON instance (sop_class_uid, transfer_syntax_uid);
-- Tells the size of a study without a look at its instances.
CREATE INDEX IF NOT EXISTS instance_size ON instance (study_instance_uid, bytes);

-- Other content that came under the SOP Instance UID of an instance: kept, never served in its place.
CREATE TABLE IF NOT EXISTS conflict (
  sop_instance_uid TEXT NOT NULL REFERENCES instance,
  sha256 TEXT NOT NULL,
  transfer_syntax_uid TEXT NOT NULL,
  data_offset INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  received_at TEXT NOT NULL,
  received_from TEXT NOT NULL,
  PRIMARY KEY (sop_instance_uid, sha256)
) STRICT;
CREATE INDEX IF NOT EXISTS conflict_by_content ON conflict (sha256);

-- What this node has still to do towards other application entities. It survives a restart.
CREATE TABLE IF NOT EXISTS job (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  destination TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'waiting',
  reason TEXT NOT NULL DEFAULT '',
  UNIQUE (kind, destination, subject)
) STRICT;
CREATE INDEX IF NOT EXISTS job_by_due ON job (state, due_at);

-- Objects that are kept and served to nobody, named as their files are.
CREATE TABLE IF NOT EXISTS quarantine (
  id TEXT PRIMARY KEY,
  sha256 TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  received_at TEXT NOT NULL,
  received_from TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  sop_class_uid TEXT NOT NULL,
  sop_instance_uid TEXT NOT NULL,
  times INTEGER NOT NULL DEFAULT 1,
  told INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS quarantine_by_time ON quarantine (received_at);

-- Objects that lie in the object store, and whether they also lie here. Those without a row lie here alone.
CREATE TABLE IF NOT EXISTS copy (
  sha256 TEXT PRIMARY KEY,
  bytes INTEGER NOT NULL,
  file_sha256 TEXT NOT NULL,
  etag TEXT NOT NULL,
  is_local INTEGER NOT NULL,
  used_at INTEGER NOT NULL,
  checked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS copy_by_use ON copy (used_at) WHERE is_local = 1;
CREATE INDEX IF NOT EXISTS copy_by_check ON copy (checked_at);

-- Objects that came from a node that stands for this one: rules for what arrives are applied where it arrived.
CREATE TABLE IF NOT EXISTS replica (
  sop_instance_uid TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- What was decided about studies, by persons and by rules: legal holds, their ends, removals. It outlives the studies.
CREATE TABLE IF NOT EXISTS ruling (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  study_instance_uid TEXT NOT NULL,
  kind TEXT NOT NULL,
  at TEXT NOT NULL,
  by TEXT NOT NULL,
  reason TEXT NOT NULL,
  told INTEGER NOT NULL DEFAULT 0,
  UNIQUE (study_instance_uid, kind, at, by)
) STRICT;
CREATE INDEX IF NOT EXISTS ruling_untold ON ruling (id) WHERE told = 0;

-- Content of removed studies whose bytes are still to be deleted.
CREATE TABLE IF NOT EXISTS doomed (
  sha256 TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- How far each rule has looked: a row number of instance or study.
CREATE TABLE IF NOT EXISTS rule (
  name TEXT PRIMARY KEY,
  seen INTEGER NOT NULL
) STRICT;

-- Studies that came because they were asked for as priors: they ask for none themselves.
CREATE TABLE IF NOT EXISTS prior (
  study_instance_uid TEXT PRIMARY KEY,
  state TEXT NOT NULL
) STRICT;
`;
