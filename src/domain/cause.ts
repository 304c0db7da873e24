/** What a commit did. */
export type Cause =
  | 'CREATE'
  | 'UPDATE'
  | 'DELETE'
  | 'UNDELETE'
  | 'ROLLBACK'
  | 'APPLY'
  | 'FACTS'
  | 'ACCESS'
  | 'PROMOTE'
  | 'DEMOTE'
  | 'LOAD'
  | 'INVALIDATE'
  | 'PURGE'
  | 'RENAME_SOURCE'
  | 'REMOVE_SOURCE';
