/**
 * Stands in the bundle for xmlbuilder2, which vtk.js uses to read and write meshes in XML and which needs modules of
 * Node. The application handles pictures only; should it ever come here, it must say so.
 */
export function create(): never {
  throw new Error('Meshes in XML are not part of this application.');
}
