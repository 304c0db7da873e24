import { describe, expect, it } from 'vitest';
import { descriptorRegistry } from '../../src/wire/descriptors.js';
import { limitCheckOf, requestLimits } from '../../src/wire/limits/check-limits.js';
import { FIELD_LIMITS } from '../../src/wire/limits/field-limits.js';
import { methodRequests } from './proto-requests.js';

const methods = [...methodRequests().keys()].map((name) => `/${name}`);

describe('the table of limits', () => {
  it.each(methods)('has a limit for every text and list of a request of %s', (method) => {
    expect(() => requestLimits(method)).not.toThrow();
  });

  it.each(['switchboard.v1.Server', 'switchboard.v1.ServerKey', 'switchboard.v1.HeldConnection'])(
    'has one for those of %s, which is checked by itself',
    (type) => {
      expect(() => limitCheckOf(type)).not.toThrow();
    },
  );

  it('has one for those of a row of a private source', () => {
    expect(() => limitCheckOf('switchboard.source.v1.SourceServer')).not.toThrow();
  });

  it('names the field that has none', () => {
    expect(() => limitCheckOf('switchboard.v1.FieldChange')).toThrow(
      'switchboard.v1.FieldChange.path needs a limit',
    );
    expect(() => limitCheckOf('switchboard.v1.ListGrantsResponse')).toThrow('needs a limit');
  });

  it('names no field that is not there', () => {
    for (const [type, limits] of Object.entries(FIELD_LIMITS)) {
      const fields = descriptorRegistry()
        .getMessage(type)
        ?.fields.map(({ name }) => name);
      expect(fields, type).toEqual(expect.arrayContaining(Object.keys(limits)));
    }
  });
});
