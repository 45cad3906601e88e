import { expect, it } from 'vitest';
import { pointersIn } from '../src/lib/pointers';

it('points at every leaf of a message and escapes names', () => {
  expect(pointersIn('{"ENERGY":{"Power":30,"Total":[1,2]},"a/b~c":"on","no":null,"x":{}}')).toEqual(
    ['/ENERGY/Power', '/ENERGY/Total/0', '/ENERGY/Total/1', '/a~1b~0c', '/no'],
  );
});
it('offers nothing of what is no JSON or has no parts, and never more than 100', () => {
  expect(pointersIn('Online')).toEqual([]);
  expect(pointersIn('30.5')).toEqual([]);
  expect(pointersIn(JSON.stringify(Array.from({ length: 300 }, (_, at) => at)))).toHaveLength(100);
});
