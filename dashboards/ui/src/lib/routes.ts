// Which page stands at which address. Only the find page is part of the first load.
import type { Component } from 'svelte';
import Find from '../pages/Find.svelte';
import { match } from './router.svelte';

/** A page gets the named parts of its address; one that has none may ignore them. */
export type Page = Component<{ parts: Record<string, string> }>;
type Load = () => Promise<{ default: Page | Component }>;

const ROUTES: [pattern: string, load: Load][] = [
  ['/', async () => ({ default: Find })],
  ['/find', async () => ({ default: Find })],
  ['/i/:key', () => import('../pages/Instrument.svelte')],
  ['/i/:key/problems', () => import('../pages/Problems.svelte')],
  ['/i/:key/runs', () => import('../pages/Runs.svelte')],
  ['/i/:key/label', () => import('../pages/Label.svelte')],
  ['/search', () => import('../pages/Search.svelte')],
  ['/notices', () => import('../pages/Notices.svelte')],
  ['/login', () => import('../pages/Login.svelte')],
  ['/my', () => import('../pages/My.svelte')],
  ['/my/waitlist', () => import('../pages/MyWaits.svelte')],
  ['/my/record', () => import('../pages/MyRecord.svelte')],
  ['/my/declare', () => import('../pages/MyDeclare.svelte')],
  ['/my/account', () => import('../pages/MyAccount.svelte')],
  ['/manage', () => import('../pages/Manage.svelte')],
  ['/manage/inbox', () => import('../pages/Inbox.svelte')],
  ['/manage/qualifications', () => import('../pages/Qualifications.svelte')],
  ['/manage/agents', () => import('../pages/Agents.svelte')],
  ['/manage/devices', () => import('../pages/Devices.svelte')],
  ['/manage/new', () => import('../pages/Register.svelte')],
  ['/manage/lab/:node', () => import('../pages/LabRules.svelte')],
  ['/manage/i/:key', () => import('../pages/Settings.svelte')],
  ['/admin', () => import('../pages/Admin.svelte')],
  ['/admin/tree', () => import('../pages/Tree.svelte')],
  ['/admin/people', () => import('../pages/People.svelte')],
  ['/admin/projects', () => import('../pages/Projects.svelte')],
  ['/help', () => import('../pages/Help.svelte')],
];
const notFound: Load = () => import('../pages/NotFound.svelte');

export function route(path: string): {
  load: () => Promise<{ default: Page }>;
  parts: Record<string, string>;
} {
  for (const [pattern, load] of ROUTES) {
    const parts = match(pattern, path);
    if (parts) return { load: load as () => Promise<{ default: Page }>, parts };
  }
  return { load: notFound as () => Promise<{ default: Page }>, parts: {} };
}
