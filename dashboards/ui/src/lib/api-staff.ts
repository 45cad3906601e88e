// Calls of those who look after instruments, people and projects.
import {
  at,
  get,
  patch,
  type PolicyHome,
  post,
  put,
  remove,
  settingsAt,
  V1,
  withQuery,
} from './api';
import type * as T from './types';

const run = (id: number) => `${V1}/runs/${id}`;

export const desk = {
  outageTrial: (body: T.OutageRequest) => post<T.OutageTrial>(`${V1}/outages?dry_run=true`, body),
  openOutage: (body: T.OutageRequest) => post<T.Outage>(`${V1}/outages`, body),

  label: (key: string) => get<T.Label>(`${at(key)}/qr`),
  closeProblem: (id: number, close: { cause: T.Cause; remedy: string }, version?: number) =>
    patch<T.ProblemReport>(`${V1}/problems/${id}`, { close }, version),
  stopForProblem: (id: number, stop: { until?: string }, version?: number) =>
    patch<T.ProblemReport>(`${V1}/problems/${id}`, { stop }, version),

  runs: (lab: number) =>
    get<T.List<T.Run>>(withQuery(`${V1}/runs`, { state: 'unsettled', lab, limit: 200 })),
  runsOf: (
    key: string,
    query: { from: string; to?: string; limit: number; cursor?: string | undefined },
  ) => get<T.List<T.Run>>(withQuery(`${at(key)}/runs`, query)),
  run: (id: number) => get<T.Run>(run(id)),
  settleRun: (id: number, edit: T.RunEdit, version?: number) =>
    patch<T.Run>(run(id), edit, version),

  waits: (key: string) => get<T.List<T.Wait>>(`${at(key)}/waitlist`),

  qualifications: (query: { lab?: number; member?: number }) =>
    get<T.List<T.Qualification>>(withQuery(`${V1}/qualifications`, { ...query, limit: 500 })),
  grant: (body: { member: number; name: string; lab?: number; expires_at?: string }) =>
    post<T.Qualification>(`${V1}/qualifications`, body),
  revoke: (id: number) => remove(`${V1}/qualifications/${id}`),

  questions: (home: PolicyHome) => get<T.QuestionSet>(`${settingsAt(home)}/questions`),
  setQuestions: (home: PolicyHome, questions: T.Question[], version: number) =>
    put<T.QuestionSet>(`${settingsAt(home)}/questions`, { questions }, version),

  penalties: (lab: number) =>
    get<T.List<T.Penalty>>(withQuery(`${V1}/penalties`, { lab, appealed: true, limit: 200 })),
  decide: (id: number, grant: boolean, answer: string) =>
    post<T.Penalty>(`${V1}/penalties/${id}/decide`, { grant, answer }),

  simulate: (home: PolicyHome, rules: T.PolicyRule[], days: number) =>
    put<T.PolicyTrial>(withQuery(`${settingsAt(home)}/policy`, { dry_run: true, days }), { rules }),
  effective: (home: PolicyHome) => get<T.EffectivePolicy>(`${settingsAt(home)}/policy/effective`),

  projects: () => get<T.List<T.Project>>(withQuery(`${V1}/projects`, { limit: 500 })),
  makeProject: (body: T.ProjectEdit) => post<T.Project>(`${V1}/projects`, body),
  editProject: (id: number, body: T.ProjectEdit, version?: number) =>
    patch<T.Project>(`${V1}/projects/${id}`, body, version),

  makeNode: (body: T.NodeEdit) => post<T.TreeNode>(`${V1}/nodes`, body),
  editNode: (id: number, body: T.NodeEdit, version?: number) =>
    patch<T.TreeNode>(`${V1}/nodes/${id}`, body, version),
  /** Everybody with a role at a node or below. */
  people: (node: number, cursor?: string) =>
    get<T.List<T.PersonRecord>>(withQuery(`${V1}/nodes/${node}/members`, { limit: 500, cursor })),
  makePerson: (body: T.PersonEdit) => post<T.PersonRecord>(`${V1}/members`, body),
  editPerson: (id: number, body: T.PersonEdit, version: number) =>
    patch<T.PersonRecord>(`${V1}/members/${id}`, body, version),
};
