// Package environment says what every component has to know of the environment that it is in: facts such as its name
// and account, and how much of it runs.
//
// It creates nothing. No component knows the name of an environment: what differs between environments is a value here
// or in a component's own Spec.
package environment
