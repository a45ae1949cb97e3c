// Package stacks composes the components into environments.
//
// config.go is the only door to Pulumi configuration. Each layer (platform, services, observability) is a function from
// typed inputs to typed outputs in a file of its own; deploy.go calls them in order. A lower layer knows nothing of an
// upper one: all that is handed up are the fields of its outputs.
package stacks
