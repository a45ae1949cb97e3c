// Package stacks composes the components into environments.
//
// Creates: the AWS and Kubernetes providers and, through the components, everything else.
//
// Refuses: settings that are unknown, unreadable or wrong, alone or together; outputs of lower layers that are missing
// or of another version; changes that would leave the environment stopped.
//
// Protects: nothing itself. It tells the components whether the environment is protected.
//
// Owns: the settings (config.go, the only file that reads Pulumi configuration), the names of an environment
// (names.go), the table of layers (layers.go), and the previous state of a stack (previous.go). Each layer is a
// function from typed inputs to typed outputs in a file of its own, and deploy.go calls them in order. A lower layer
// knows nothing of an upper one. An upper layer knows only the outputs of those below.
package stacks
