import { DatabaseSync } from 'node:sqlite';

/** Sixteen thousand family names: four letters of one find some hundreds of a million studies, as in a hospital. */
const syllables = (consonants: string, vowels: string): string[] =>
  Array.from(consonants).flatMap((consonant) => Array.from(vowels, (vowel) => consonant + vowel));
const first = syllables('BDFGHKLM', 'AEIOU');
const second = syllables('NPRSTVWZ', 'AEIOU');
const third = ['LER', 'MANN', 'SEN', 'SKI', 'TON', 'VIC', 'DEZ', 'LI', 'RO', 'BERG'];
const given =
  'ANNA BEN CLARA DAVID EMMA FELIX GRETA HUGO IDA JAN KARIN LEO MIA NOAH OLGA PAUL RITA SAM TEA URS VERA WIM'.split(
    ' ',
  );

export const madeUp = {
  patients: (studies: number): number => Math.floor(studies / 5),
  patientId: (patient: number): string => `P${String(patient).padStart(7, '0')}`,
  accession: (study: number): string => `A${String(study).padStart(8, '0')}`,
  /** What somebody types who looks for a name. */
  namePrefix: (chance: () => number): string =>
    [first, second].map((parts) => parts[Math.floor(chance() * parts.length)]).join(''),
};

/** Puts so many studies into the index of a node that does not run: five of each patient over fifteen years, a series or two each, no objects. */
export function fillIndex(file: string, studies: number): void {
  const database = new DatabaseSync(file);
  const table = (name: string, words: readonly string[]): void => {
    const list = words.map((word) => `('${word}')`).join(', ');
    database.exec(`CREATE TEMP TABLE ${name} AS SELECT row_number() OVER () - 1 AS n, column1 AS word FROM (VALUES ${list});
      CREATE INDEX temp.${name}_n ON ${name} (n)`);
  };
  table('first', first);
  table('second', second);
  table('third', third);
  table('given', given);
  table('kind', ['CT', 'CT', 'CT', 'MR', 'MR', 'CR', 'CR', 'CR', 'US', 'MG']);
  database.exec('PRAGMA synchronous = OFF; BEGIN');
  database
    .prepare(
      `CREATE TEMP TABLE made AS
       WITH RECURSIVE count(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM count WHERE n + 1 < ?)
       SELECT n, '2.25.' || (1000000000 + n) AS uid, n / 5 AS patient, abs(random()) AS chance,
         strftime('%Y%m%d', '2010-01-01', (abs(random()) % 5478) || ' days') AS date,
         printf('%02d%02d%02d', 7 + abs(random()) % 12, abs(random()) % 60, abs(random()) % 60) AS time
       FROM count`,
    )
    .run(studies);
  database.exec(
    `INSERT INTO study (study_instance_uid, patient_name, patient_id, patient_birth_date, patient_sex, accession_number, study_id,
         study_date, study_time, study_description, referring_physician_name, attributes, series, instances,
         first_received_at, last_received_at, received_from, change)
       SELECT uid, name, id, birth, sex, accession, '', date, time, 'MADE UP', 'DOE^J',
         json_object(
           '00080020', json_object('vr', 'DA', 'Value', json_array(date)),
           '00080030', json_object('vr', 'TM', 'Value', json_array(time)),
           '00080050', json_object('vr', 'SH', 'Value', json_array(accession)),
           '00080090', json_object('vr', 'PN', 'Value', json_array(json_object('Alphabetic', 'DOE^J'))),
           '00081030', json_object('vr', 'LO', 'Value', json_array('MADE UP')),
           '00100010', json_object('vr', 'PN', 'Value', json_array(json_object('Alphabetic', name))),
           '00100020', json_object('vr', 'LO', 'Value', json_array(id)),
           '00100030', json_object('vr', 'DA', 'Value', json_array(birth)),
           '00100040', json_object('vr', 'CS', 'Value', json_array(sex)),
           '0020000D', json_object('vr', 'UI', 'Value', json_array(uid))),
         1 + n % 2, 100, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', 'MADEUP', n + 1
       FROM (SELECT m.*, printf('P%07d', patient) AS id, printf('A%08d', m.n) AS accession,
           f1.word || f2.word || f3.word || '^' || g.word AS name,
           1930 + patient % 80 || '0115' AS birth, CASE patient % 2 WHEN 0 THEN 'F' ELSE 'M' END AS sex
         FROM made m JOIN first f1 ON f1.n = patient % ${first.length}
           JOIN second f2 ON f2.n = patient / ${first.length} % ${second.length}
           JOIN third f3 ON f3.n = patient / ${first.length * second.length} % ${third.length}
           JOIN given g ON g.n = patient / 7 % ${given.length})`,
  );
  for (const series of [1, 2])
    database.exec(
      `INSERT INTO series (study_instance_uid, series_instance_uid, modality, series_number, series_date, series_time,
           series_description, body_part_examined, performed_procedure_step_start_date, performed_procedure_step_start_time,
           attributes, instances)
         SELECT uid, uid || '.${series}', k.word, ${series}, date, time, '', '', '', '', '{}', 50
         FROM made m JOIN kind k ON k.n = chance % 10 WHERE m.n % 2 >= ${series - 1}`,
    );
  database.exec('COMMIT; DROP TABLE made');
  database.close();
}
