// Package tests holds the program to properties of its whole resource graph.
//
// Where a test belongs:
//
//   - Tables, fuzzing and rendered documents are beside the package that they are about.
//   - tests has what is about the whole graph, from mock runs: properties and security rules with planted violations
//     (properties_test.go), the differences between dev and prod, parking, workloads, documents, the structure of the
//     code. It needs nothing but Go.
//   - tests/engine brings environments up under the real Pulumi engine. It has the build tag integration and runs in
//     make test.
//
// Helpers:
//
//   - tests/golden: comparison with golden files in the testdata of the package under test.
//   - tests/harness: the reference settings in testdata/reference, and mock runs of the program. Goldens, figures and
//     tables are about the reference settings. The settings of the repository's owner are held to properties only
//     (TestOwnSettings).
//   - tests/properties: what holds for every environment, as a list that both test packages use.
//   - tests/engine/engine_test.go: environments that are brought up once (brought), copies of them to change (copied).
package tests
