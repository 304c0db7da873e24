import { isSwitchboardError } from '../../domain/errors.js';

interface Page {
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/** A list as it was read. */
export interface Pages<P> {
  readonly pages: readonly P[];
  readonly last: P;
}

/** A list that changes while it is read is started again so often. */
const MAX_ATTEMPTS = 5;

/** All pages of a list, in their order. */
export async function readPages<P extends Page>(
  read: (pageToken: string) => Promise<P>,
): Promise<Pages<P>> {
  const pages: P[] = [];
  let pageToken = '';
  for (;;) {
    const last = await read(pageToken);
    pages.push(last);
    pageToken = last.nextPageToken;
    if (pageToken === '') return { pages, last };
  }
}

/** The same of a list of one revision, which may expire while it is read. */
export async function readRevision<P extends Page>(
  read: (pageToken: string) => Promise<P>,
): Promise<Pages<P>> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await readPages(read);
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !isSwitchboardError(error, 'PAGE_EXPIRED')) throw error;
    }
  }
}
