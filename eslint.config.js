import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const bannedEverywhere = ['TSEnumDeclaration', 'ExportDefaultDeclaration', 'Decorator'].map(banned);
const bannedInProducts = [
  ...bannedEverywhere,
  banned("MemberExpression[object.name='process'][property.name='env']"),
];

function banned(selector) {
  return { selector, message: 'Not in this house; see CONTRIBUTING.md.' };
}

export default defineConfig(
  globalIgnores([
    '**/.tsc/',
    '**/dist/',
    '**/generated/',
    '.medusa/',
    'infra/setup/media-worker/',
    '**/test-results/',
  ]),
  js.configs.recommended,
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['vitest.config.ts'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'max-params': ['error', 3],
      complexity: ['error', 10],
      'no-console': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/promise-function-async': 'error',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'no-restricted-syntax': ['error', ...bannedInProducts],
    },
  },
  {
    files: ['**/*.mjs', '**/*.cjs', '*.js'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        module: 'writable',
        require: 'readonly',
        URL: 'readonly',
        Buffer: 'readonly',
        setTimeout: 'readonly',
        fetch: 'readonly',
      },
    },
  },
  {
    // `create` of a resource port says what, whose, under which name and by which call.
    files: ['broker/provision/**/*.ts'],
    rules: { 'max-params': ['error', 4] },
  },
  {
    files: ['test/**/*.ts', '**/*.test.ts', 'broker/support/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', ...bannedEverywhere] },
  },
  {
    files: ['**/*.config.*', '**/config.ts', '**/main.ts', 'infra/setup/token.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  prettier,
);
