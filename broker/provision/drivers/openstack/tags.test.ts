import { expect, it } from 'vitest';
import { describedBy, descriptionOf, metadataOf, tagIn } from './tags.ts';

const tag = { owner: 'hospital1234', resource: 'r'.repeat(32), incarnation: 999_999 };

it('reads back the tag that it wrote', () => {
  expect(tagIn(metadataOf(tag))).toEqual(tag);
  expect(describedBy(descriptionOf('medusa-x', tag, 4))).toEqual({ name: 'medusa-x', tag, parts: 4 });
});

it('knows what is none of ours', () => {
  expect(tagIn({})).toBeUndefined();
  expect(tagIn({ 'medusa-owner': 'x' })).toBeUndefined();
  expect(describedBy('made by hand')).toBeUndefined();
  expect(describedBy(null)).toBeUndefined();
  expect(describedBy('Default security group')).toBeUndefined();
});

it("stays within Neutron's 255 characters", () => {
  expect(
    descriptionOf(`medusa-hospital1234-net-${'r'.repeat(32)}-999999`, tag, 999).length,
  ).toBeLessThanOrEqual(255);
});
