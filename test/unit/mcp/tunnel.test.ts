import { describe, expect, it } from 'vitest';
import { McpError } from '../../../src/mcp/mcp-error.js';
import { checkProxy } from '../../../src/mcp/tunnel.js';

describe('checkProxy', () => {
  it.each(['http://h', 'https://u:p@h:1', 'socks4://h:1', 'socks5://u:p@h'])('takes %s', (url) => {
    expect(() => checkProxy(url)).not.toThrow();
  });

  it.each(['ftp://u:secret@h', 'socks://h', 'pac+http://h', 'h:3128', 'secret'])(
    'refuses %s and keeps its secrets',
    (url) => {
      let error: unknown;
      try {
        checkProxy(url);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(McpError);
      expect(error).toMatchObject({ kind: 'unsupported', sent: false });
      expect(String(error)).not.toContain('secret');
    },
  );
});
