/** The part that is used here; the package comes without types. */
declare module 'fs-native-extensions' {
  /**
   * Locks the file for its descriptor alone; false if another descriptor, of any process, has a
   * lock on it. The lock goes with the descriptor.
   */
  export function tryLock(file: number): boolean;
}
