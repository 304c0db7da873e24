// The project's own lint rules, apart from eslint.config.js so that a test can run them on bad examples.
// Each restriction says what to do instead.

import { builtinModules } from 'node:module';

const READ_NO_ENVIRONMENT =
  'The environment is read in src/server/options.ts only: take what you need as an option.';

export const restrictedSyntax = [
  {
    selector: 'ExportDefaultDeclaration',
    message: 'No default export: export by name, so that everyone calls it the same.',
  },
  {
    selector: 'TSEnumDeclaration',
    message: 'No enum: use a union of strings, or an object `as const` when values are needed.',
  },
  {
    selector: "CallExpression[callee.object.name='vi'][callee.property.name=/^wait(For|Until)$/]",
    message: 'Wait with `eventually`: these give up by the clock, and fail on a busy machine.',
  },
];

/** @type {Record<string, any>} */
export const houseRules = {
  // Promises: a floating one in a watch or a shutdown path is a lost event or a crash.
  '@typescript-eslint/no-floating-promises': 'error',
  '@typescript-eslint/no-misused-promises': 'error',
  '@typescript-eslint/await-thenable': 'error',
  '@typescript-eslint/return-await': ['error', 'in-try-catch'],
  '@typescript-eslint/only-throw-error': 'error',
  '@typescript-eslint/switch-exhaustiveness-check': [
    'error',
    { considerDefaultExhaustiveForUnions: true },
  ],
  '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
  '@typescript-eslint/no-unused-vars': [
    'error',
    { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' },
  ],
  '@typescript-eslint/restrict-template-expressions': [
    'error',
    { allowNumber: true, allowBoolean: true },
  ],
  '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],

  // Types go by structure here: a fake or a part may stand where an instance is named.
  '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',

  // Size: past these a file or function has more than one concern. Split it.
  'max-lines': ['error', { max: 400 }],
  'max-params': ['error', 3],
  complexity: ['error', 12],

  // Ways of writing.
  'no-restricted-syntax': ['error', ...restrictedSyntax],
  'no-restricted-properties': [
    'error',
    {
      object: 'process',
      property: 'env',
      message: READ_NO_ENVIRONMENT,
    },
  ],
  'no-restricted-imports': [
    'error',
    {
      paths: [
        ...builtinModules.map((name) => ({
          name,
          message: `Write 'node:${name}': then it is plain that it comes with Node.`,
        })),
        { name: 'node:process', importNames: ['env'], message: READ_NO_ENVIRONMENT },
      ],
    },
  ],
  eqeqeq: 'error',
};

export const testRelaxations = {
  'max-lines': 'off',
  'max-params': 'off',
  complexity: 'off',
  // Tests set and pass on the environment of the processes that they start.
  'no-restricted-properties': 'off',
  '@typescript-eslint/no-non-null-assertion': 'off',
  '@typescript-eslint/require-await': 'off',
  '@typescript-eslint/unbound-method': 'off',
  '@typescript-eslint/no-unnecessary-type-parameters': 'off',
  '@typescript-eslint/no-empty-function': 'off',
};
