/**
 * APP: everyone, connection shared. USER: every user, a connection per user. PRIVATE:
 * the owner and those granted, a connection per user.
 */
export type Tier = 'APP' | 'USER' | 'PRIVATE';
