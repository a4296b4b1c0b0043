/** The bytes are not what their transfer syntax says. The message names no value of the object. */
export class MalformedDataSet extends Error {
  override readonly name = 'MalformedDataSet';
}
