// Which rows of a long list are worth having in the page. Pure.

export interface RowWindow {
  first: number;
  /** One past the last. */
  end: number;
}

/** Rows drawn beyond each edge, so that scrolling shows no blank. */
const BEYOND = 6;

/**
 * Rows of `rowPx` height whose list begins `listTop` pixels above (negative: below) the visible
 * top edge, seen through `viewPx` pixels.
 */
export function rowWindow(
  count: number,
  rowPx: number,
  listTop: number,
  viewPx: number,
): RowWindow {
  const first = Math.floor(listTop / rowPx) - BEYOND;
  const end = Math.ceil((listTop + viewPx) / rowPx) + BEYOND;
  return { first: Math.min(Math.max(0, first), count), end: Math.min(Math.max(0, end), count) };
}
