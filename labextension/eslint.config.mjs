import js from "@eslint/js";
import { defineConfig, globalIgnores } from "eslint/config";
import ts from "typescript-eslint";

export default defineConfig(
  globalIgnores(["dist", "lib", "node_modules"]),
  js.configs.recommended,
  ts.configs.strictTypeChecked,
  ts.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        project: ["./tsconfig.json", "./test/tsconfig.json"],
        tsconfigRootDir: import.meta.dirname
      }
    },
    rules: {
      // Numbers are fit for sentences.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }]
    }
  },
  { files: ["**/*.{js,mjs}"], extends: [ts.configs.disableTypeChecked] }
);
