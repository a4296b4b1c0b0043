export type { NewElement, Place, XmlElement, XmlProblem } from './element.ts';
export { readXml } from './read.ts';
export { writeXml } from './write.ts';
