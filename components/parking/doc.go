// Package parking suspends and resumes an environment, once or on a schedule.
//
// Creates: the runbook association that starts or stops the database; for working hours, the EventBridge schedules that
// stop nodes and database at Stop and start them at Start; for a parked environment, the schedules that start the
// database once a week for its maintenance window and stop it again, before AWS starts it after seven days. The
// schedules have a group, a role that may make only their calls, and a dead-letter queue.
//
// Refuses: a missing database and, like every component, a schedule whose days, hours or time zone do not exist, or
// whose day is too short for the backup and the maintenance of the database.
//
// Protects: nothing. A protected environment is never parked.
//
// Owns: the calls that stop and start nodes and database, and their order. The package environment owns what parked and
// hibernated mean and when working hours are (Power, Schedule). The other components ask Power what they leave out.
package parking
