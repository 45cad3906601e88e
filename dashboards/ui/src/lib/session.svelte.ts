// Who is signed in, and what that lets them see. The gateway checks every right again.
import { api } from './api';
import type { InstrumentIndex, Member, RoleName } from './types';

class Session {
  /** `undefined` until the first answer, `null` for a visitor. */
  member = $state.raw<Member | null | undefined>(undefined);
  /** Whether the session ended while the pages were open; the sign-in dialog then opens. */
  expired = $state(false);

  async start(): Promise<void> {
    try {
      this.member = (await api.me()).member;
    } catch {
      // 401 is a visitor; anything else shows up in the calls that matter.
      this.member = null;
    }
  }

  async login(name: string, password: string): Promise<Member> {
    const { member } = await api.login(name, password);
    this.member = member;
    this.expired = false;
    return member;
  }

  async logout(): Promise<void> {
    await api.logout();
    this.member = null;
  }

  /** A call was answered 401: if somebody was signed in, the session has ended. */
  lost(): void {
    if (this.member) this.expired = true;
    this.member = null;
  }

  has(...roles: RoleName[]): boolean {
    return this.member?.roles.some(({ role }) => roles.includes(role)) ?? false;
  }

  get manages(): boolean {
    return this.has('manager', 'centre_admin', 'region_admin');
  }

  get oversees(): boolean {
    return this.has('centre_admin', 'region_admin', 'auditor');
  }
}

export const session = new Session();

/** Places in `index.labs` of the labs that `member` manages: a role holds below its node too. */
export function managedLabs(member: Member | null | undefined, index: InstrumentIndex): number[] {
  const managing: RoleName[] = ['manager', 'centre_admin', 'region_admin'];
  const nodes = new Set(
    member?.roles.filter(({ role }) => managing.includes(role)).map(({ node }) => node.id),
  );
  // The region is the only kind of node that the index does not list: it holds everything.
  const listed = [index.centres, index.institutions, index.labs].flat().map(({ id }) => id);
  const wholeRegion = [...nodes].some((id) => !listed.includes(id));
  return index.labs.flatMap((lab, place) => {
    const above = [lab.id, index.institutions[lab.institution]?.id, index.centres[lab.centre]?.id];
    const mine = wholeRegion || above.some((id) => id !== undefined && nodes.has(id));
    return mine ? [place] : [];
  });
}
