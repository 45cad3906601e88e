// What to tell a person about a failed call.
import { ApiError } from './api';
import { i18n } from './i18n/index.svelte';

/** One sentence in the current language; the gateway's own words where it gave any. */
export function failureText(error: unknown): string {
  const { failure } = i18n.t;
  if (!(error instanceof ApiError)) return failure.unknown(0);
  const said = error.problem?.detail ?? error.problem?.title;
  switch (error.slug) {
    case 'unreachable':
      return failure.unreachable;
    case 'internal':
      return failure.internal;
    case 'too-many-requests':
      return failure.tooMany(error.problem?.retry_after_s ?? 60);
    case 'not-ready':
      return said ?? failure.notReady;
    case 'not-signed-in':
      return said ?? failure.notSignedIn;
    case 'not-allowed':
      return said ?? failure.notAllowed;
    case 'not-found':
      return said ?? failure.notFound;
    default:
      return said ?? failure.unknown(error.status);
  }
}

/** Every reason of a refused request, in the gateway's words: fields, rules, conflicts. */
export function failureReasons(error: unknown): string[] {
  const problem = error instanceof ApiError ? error.problem : null;
  const fields = problem?.errors?.map(({ field, message }) =>
    i18n.t.common.fieldFault(field, message),
  );
  const rules = problem?.refusals?.map(({ message }) => message);
  return [...(fields ?? []), ...(rules ?? [])];
}
