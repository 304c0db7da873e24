import { describe, expect, it } from 'vitest';
import { explainText } from '../../../src/cli/explain.js';
import { inspectionText } from '../../../src/cli/facts-text.js';
import { serverDetails, warningLines } from '../../../src/cli/server-text.js';
import { explain, withTransport } from '../../../src/domain/explain.js';
import { SAFE_POLICY } from '../../../src/domain/transport-policy.js';
import { userView } from '../../../src/domain/view.js';
import { failureAt } from '../../support/inspection/facts.js';
import { httpServer } from '../../support/mcp/specs.js';
import { recordOf } from '../../support/storage/builders.js';

const refused = recordOf({
  id: 'srv',
  name: 'files',
  owner: 'ana',
  spec: { transport: httpServer('http://10.0.0.1/mcp') },
});
const why = 'a PRIVATE server may not be at 10.0.0.1, a private address (rule private)';

describe('a server that the transport policy refuses', () => {
  it('is explained as what the name leads to, and why nobody may connect to it', () => {
    const servers = { ranked: [{ record: refused, grants: [] }], unseen: [], deleted: [] };
    const view = userView('ana');
    const explained = withTransport(explain('files', view, servers), servers, SAFE_POLICY);
    const text = explainText({ ...explained, moreUnseen: false, moreDeleted: false });
    const [answer, , , row] = text.split('\n');
    expect(answer).toContain(`But nobody may connect to it: ${why}`);
    expect(row).toContain(`Nobody may connect to it: ${why}`);
    expect(row).toContain('--allow-private-networks');
  });

  it('is marked wherever it is shown', () => {
    const failure = failureAt(refused.configHash, {
      reason: 'TRANSPORT_NOT_ALLOWED',
      message: why,
    });
    const found = { ...refused, facts: { failure } };
    expect(warningLines([found])).toBe(`WARNING: files: ${why}\n`);
    expect(serverDetails(found)).toMatch(/^WARNING: +a PRIVATE server may not be/m);
    expect(inspectionText(found)).toContain(`failed: TRANSPORT_NOT_ALLOWED: ${why}`);
    expect(warningLines([refused])).toBe('');
  });

  it('is said to be exempt if an administrator demoted it', () => {
    expect(serverDetails({ ...refused, transportExempt: true })).toMatch(
      /^Policy: +does not apply/m,
    );
    expect(serverDetails(refused)).not.toContain('Policy:');
  });
});
