/**
 * A DICOM Person Name for reading: `Family, Given Middle, Prefix Suffix`.
 * DICOM PS3.5 §6.2.1: components family^given^middle^prefix^suffix; groups (ideographic, phonetic) are parted by `=`.
 */
export function formatPersonName(personName: string): string {
  const alphabetic = personName.split('=').find((group) => group.replaceAll('^', '').trim() !== '') ?? '';
  const [family, given, middle, prefix, suffix] = alphabetic.split('^').map((component) => component.trim());
  const joined = (...parts: (string | undefined)[]): string => parts.filter(Boolean).join(' ');
  return [joined(family), joined(given, middle), joined(prefix, suffix)]
    .filter((part) => part !== '')
    .join(', ');
}
