// Package parking stops what costs by the hour while nobody works.
//
// Creates: the runbook association that starts or stops the database; where there is a schedule, the EventBridge
// schedules that take nodes and database down in the evening and up in the morning; while the environment is parked,
// those that run the database through its weekly maintenance window, before AWS would start it by itself after seven
// days. Each set of schedules has a group, a role that may do just that, and a dead-letter queue.
//
// Refuses: days, hours and time zones that do not exist, a day that ends before it begins, and nights without an end.
//
// Owns: what parked and hibernated mean (mode.go); what else they take away is in the components that own it.
package parking
