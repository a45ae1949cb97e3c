// Package observability tells people when something is wrong.
//
// Creates: an SNS topic with a key and a policy of its own, subscriptions, alarms for nodes, NAT gateways, database
// and cache, RDS event notifications, a dashboard and a monthly budget.
//
// Refuses: thresholds that could never fire or always would, addresses that are no e-mail addresses, budgets of nothing.
//
// Protects: nothing; all of it can be made again.
//
// Owns: the alarm table (alarms.go) and the dashboard (dashboard.go). Nothing depends on this package's resources, so
// changing an alarm touches nothing else.
package observability
