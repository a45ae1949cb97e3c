// Package recovery puts right what a killed run left: operations that the state says began, resources that exist and
// that no state records. It asks the account through an Inventory, which the simulated account answers as AWS does.
package recovery
