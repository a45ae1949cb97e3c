// Package environment holds what every component must know about its environment: facts such as its name and account,
// and how much of it runs.
//
// Creates: nothing.
//
// Refuses: names that are too long for the physical names of AWS, invalid account IDs, role paths and permissions
// boundaries, and schedules whose days, hours or time zone do not exist, or whose day is too short for the backup and
// the maintenance of the database.
//
// Protects: nothing. Facts.Protect tells the components to turn on the protection that AWS has; the stack turns on that
// of Pulumi (stacks/deploy.go).
//
// Owns: what parked and hibernated mean (power.go), and when working hours are (schedule.go). No component knows the
// name of an environment: what differs between environments is a value here or in a component's own Spec.
package environment
