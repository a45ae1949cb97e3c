//go:build integration

package tests

// randomChanges is how many random changes make test tries.
const randomChanges = 300
