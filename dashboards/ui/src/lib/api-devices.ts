// Calls about devices of other makers.
import { get, post, put, remove, V1 } from './api';
import type * as T from './types-devices';

type Items<I> = { items: I[] };
const source = (name: string) => `${V1}/sources/${encodeURIComponent(name)}`;

export const devices = {
  sources: () => get<Items<T.ForeignSource>>(`${V1}/sources`),
  makeSource: (body: { name: string; lab: number; filters: string[] }) =>
    post<T.NewSource>(`${V1}/sources`, body),
  revokeSource: (name: string) => remove(source(name)),
  /** Without a mapping: by those of the source's lab. */
  test: (name: string, body: { topic: string; payload: string; mapping?: T.MappingSpec }) =>
    post<T.MessageTest>(`${source(name)}/test`, body),

  mappings: () => get<Items<T.Mapping>>(`${V1}/mappings`),
  makeMapping: (body: { name: string; lab: number; mapping: T.MappingSpec }) =>
    post<T.Mapping>(`${V1}/mappings`, body),
  editMapping: (id: number, body: { name: string; mapping: T.MappingSpec }, version: number) =>
    put<T.Mapping>(`${V1}/mappings/${id}`, body, version),
  removeMapping: (id: number) => remove(`${V1}/mappings/${id}`),

  unknown: () => get<Items<T.UnknownDevice>>(`${V1}/unknown-devices`),
  adopt: (id: string, body: { instrument: string; name: string; mapping: T.MappingSpec }) =>
    post<T.Mapping>(`${V1}/unknown-devices/${encodeURIComponent(id)}/adopt`, body),
};
