//go:build !integration

package tests

// randomChanges is how many random changes go test tries; make test tries more.
const randomChanges = 60
