export type { NewElement, Place, XmlElement, XmlProblem } from './element.ts';
export { readXml, type XmlLimits } from './read.ts';
export { writeXml } from './write.ts';
