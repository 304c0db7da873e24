/** `user:<id>` or `group:<id>`: whom a server can belong or be granted to. */
export type Subject = `user:${string}` | `group:${string}`;

/** What the application itself sees, without a user: servers of tier APP. */
export interface AppView {
  readonly kind: 'app';
}

/** What one user sees. Groups come with the request; no memberships are stored. */
export interface UserView {
  readonly kind: 'user';
  readonly user: string;
  readonly groups: readonly string[];
}

/** The administrators' view: every record by id, unresolved. */
export interface InventoryView {
  readonly kind: 'inventory';
}

/** A view in which names resolve. */
export type ReaderView = AppView | UserView;

/** What one reader sees. */
export type View = ReaderView | InventoryView;

export const APP_VIEW: AppView = { kind: 'app' };
export const INVENTORY_VIEW: InventoryView = { kind: 'inventory' };

/** The view of `user` with `groups`, sorted and without doubles so that equal views are equal. */
export function userView(user: string, groups: readonly string[] = []): UserView {
  return { kind: 'user', user, groups: [...new Set(groups)].sort() };
}

/** The subject of a user. */
export function userSubject(user: string): Subject {
  return `user:${user}`;
}

/** The ids of the users among subjects. */
export function usersAmong(subjects: readonly Subject[]): string[] {
  const prefix = 'user:';
  return subjects.flatMap((subject) =>
    subject.startsWith(prefix) ? [subject.slice(prefix.length)] : [],
  );
}

/** The subjects of a view: the user first, then the groups. None for app and inventory. */
export function subjectsOf(view: View): readonly Subject[] {
  if (view.kind !== 'user') return [];
  return [userSubject(view.user), ...view.groups.map((group): Subject => `group:${group}`)];
}

/** A string that is equal for equal views and different for different ones. */
export function viewKey(view: View): string {
  return view.kind === 'user' ? JSON.stringify([view.user, ...view.groups]) : view.kind;
}
