// Package golden compares bytes with files in testdata and reports files that no test reads any more.
//
// It is for tests only. Run a test with -update to rewrite its files; read the diff before you commit it. A package whose
// goldens must not rot calls Main from its TestMain.
package golden
